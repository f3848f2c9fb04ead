"""From records and counts to leaderboards and figures."""
