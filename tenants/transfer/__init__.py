"""Move one tenant to another deployment: its data as it stands sealed, its keys sealed to the recipient."""
