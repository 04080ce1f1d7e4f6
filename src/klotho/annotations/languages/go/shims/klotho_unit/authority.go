package klotho_unit

// Whose word on a server's certificate counts. On AWS the servers of RDS are vouched for by RDS's own authorities, which
// no system trusts by itself; those of caches by authorities that systems trust. KLOTHO_DATABASE_CA names the file of
// other ones; the local cloud sets it.

import (
	_ "embed"
	"os"
	"path/filepath"
)

//go:embed rds-ca.pem
var databaseBundle []byte

// databaseAuthorities gives the file that a SQL database's certificate is verified with.
func databaseAuthorities() (string, error) {
	if file := os.Getenv("KLOTHO_DATABASE_CA"); file != "" {
		return file, nil
	}
	folder, err := os.MkdirTemp("", "klotho-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, "rds-ca.pem")
	return file, os.WriteFile(file, databaseBundle, 0o600)
}

// trustCaches lets this process trust the local cloud's authority beside those of the system: clients of caches take
// the system's, and no address of a cache says others.
func trustCaches() {
	if file := os.Getenv("KLOTHO_DATABASE_CA"); file != "" && os.Getenv("SSL_CERT_DIR") == "" {
		os.Setenv("SSL_CERT_DIR", "/etc/ssl/certs:/etc/pki/tls/certs:"+filepath.Dir(file))
	}
}
