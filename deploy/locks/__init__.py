"""The locks: which exact files each purpose installs, by hash and with no address to download from."""
