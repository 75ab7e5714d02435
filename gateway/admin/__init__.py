"""The console for admins, in the browser."""
