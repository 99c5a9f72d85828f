"""Log-in by the accounts of a hospital: an LDAP directory, or an OpenID Connect provider."""
