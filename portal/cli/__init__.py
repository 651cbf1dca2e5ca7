"""The command line. It talks to the portal's API alone, knows no Django, and shows no token anywhere."""
