"""Roll a migration out over every tenant: plan, canaries, waves, a version and a failure kept for each, resume."""
