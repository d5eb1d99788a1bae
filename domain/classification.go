package domain

// classes groups the credential types that published clients send. Policy and
// compliance look at the class; the type is returned as it was sent.
var classes = map[string]string{
	"api_key": "api_key", "webhook_secret": "api_key", "bearer_token": "token",
	"password": "password", "basic_auth": "password",
	"certificate": "certificate", "mtls_cert": "certificate",
	"ssh_key": "key", "ssh_key_pair": "key", "jwt_signing_key": "key",
	"oauth_token": "token", "oauth2_token": "token", "oauth2_client": "client", "saml_assertion": "token",
	"database": "database", "database_dsn": "database", "kafka_credentials": "client",
	"aws_credentials": "cloud", "custom_kv": "generic", "generic": "generic",
}

// Classify returns the class of a credential type: api_key, certificate, client,
// cloud, database, key, password or token, and generic for a type it does not know.
func Classify(kind string) string {
	if class, ok := classes[kind]; ok {
		return class
	}
	return "generic"
}
