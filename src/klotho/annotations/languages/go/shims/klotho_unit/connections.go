package klotho_unit

// How databases and caches are reached, and what secrets hold: values for code that connects by itself.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// connection has the values of one database, cache or secret by their names in Klotho's runtime: url, host, port, user,
// password and database; of a secret, value.
type connection map[string]string

var errSecretNotSet = errors.New("has no value yet")

func connectionOf(ctx context.Context, group, name string) (connection, error) {
	found, err := grantOf(group, name)
	if err != nil {
		return nil, err
	}
	if group == "secrets" {
		value, err := secretText(ctx, found.text("secret"))
		if refused, is := err.(*AwsError); is && refused.Code == "ResourceNotFoundException" {
			return nil, fmt.Errorf("the secret %q %w: run `klotho secret set %s`", name, errSecretNotSet, name)
		}
		return connection{"value": value}, err
	}
	user, password, err := loginOf(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("%s has no login: %w", name, err)
	}
	values := connection{
		"host": found.text("host"), "port": found.text("port"), "database": found.text("database"),
		"user": user, "password": password,
	}
	address := url.URL{User: url.UserPassword(user, password), Host: net.JoinHostPort(values["host"], values["port"])}
	switch found.text("kind") {
	case "Databases.Postgres":
		address.Scheme, address.Path = "postgresql", "/"+values["database"]
		if mode := found.text("sslmode"); mode != "" {
			authorities, err := databaseAuthorities()
			if err != nil {
				return nil, err
			}
			address.RawQuery = url.Values{"sslmode": {mode}, "sslrootcert": {authorities}}.Encode()
		}
	case "Databases.Redis":
		address.Scheme, address.Path = "redis", "/0"
		if found["tls"] == true {
			address.Scheme = "rediss"
			trustCaches()
		}
	default:
		return nil, fmt.Errorf("%s is a %s, whose values this version of Klotho does not know", name, found.text("kind"))
	}
	values["url"] = address.String()
	return values, nil
}

func loginOf(ctx context.Context, found grant) (user, password string, err error) {
	if found.text("login") == "iam" {
		user = found.text("user")
		password, err = databaseToken(found.text("host"), found.text("port"), user)
		return user, password, err
	}
	text, err := secretText(ctx, found.text("secret"))
	if err != nil {
		return "", "", err
	}
	var login struct{ Username, Password string }
	if json.Unmarshal([]byte(text), &login) != nil || login.Username == "" {
		return "", "", fmt.Errorf("the secret %s is not JSON with a username and a password", found.text("secret"))
	}
	return login.Username, login.Password, nil
}

// secretText gives the current text of a secret in Secrets Manager.
func secretText(ctx context.Context, arn string) (string, error) {
	asked := map[string]string{"SecretId": arn}
	var answer struct{ SecretString, VersionId string }
	err := callAws(ctx, "secretsmanager", "secretsmanager.GetSecretValue", "1.1", regionOfArn(arn), asked, &answer)
	if err == nil && strings.HasPrefix(answer.VersionId, "klotho-not-set-") { // of `klotho secret rm`: it stands for none
		err = &AwsError{"secretsmanager", "ResourceNotFoundException", "the value was removed", 400}
	}
	return answer.SecretString, err
}

// databaseToken is a password of IAM, good for 15 minutes of connecting and made without a call. The rules:
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
func databaseToken(host, port, user string) (string, error) {
	keys, err := currentCredentials()
	if err != nil {
		return "", err
	}
	region, err := regionOf("")
	if err != nil {
		return "", err
	}
	address := &url.URL{Scheme: "https", Host: net.JoinHostPort(host, port), Path: "/"}
	address.RawQuery = "Action=connect&DBUser=" + escaped(user, "")
	signed := presign("GET", address, nil, "rds-db", region, keys, 15*time.Minute, time.Now())
	return strings.TrimPrefix(signed, "https://"), nil
}
