"""A sandbox identity provider: GitHub's and Bitbucket's OAuth endpoints and user APIs, spoken by a server of ours.

For the demo, development and tests alone. Settings for production refuse it.
"""
