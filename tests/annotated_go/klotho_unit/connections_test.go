package klotho_unit

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// aws stands in for AWS: it answers with what the test gives, and keeps what was asked.
func aws(t *testing.T, answers ...func(http.ResponseWriter)) *[]string {
	asked := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		*asked = append(*asked, request.Header.Get("X-Amz-Target")+string(body))
		answers[min(len(*asked), len(answers))-1](answer)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIA")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return asked
}

func min(one, other int) int {
	if one < other {
		return one
	}
	return other
}

func holds(text string) func(http.ResponseWriter) {
	body, _ := json.Marshal(map[string]string{"SecretString": text, "VersionId": "1"})
	return func(answer http.ResponseWriter) { answer.Write(body) }
}

func refuses(status int, code, message string) func(http.ResponseWriter) {
	body, _ := json.Marshal(map[string]string{"__type": code, "message": message})
	return func(answer http.ResponseWriter) {
		answer.WriteHeader(status)
		answer.Write(body)
	}
}

func granted(t *testing.T, variable string, fields grant) {
	text, _ := json.Marshal(fields)
	t.Setenv(variable, string(text))
}

const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:it"

func postgres(t *testing.T, more grant) {
	fields := grant{
		"name": "orders", "kind": "Databases.Postgres", "host": "db.example", "port": 5432, "database": "orders",
		"secret": arn, "sslmode": "verify-full",
	}
	for name, value := range more {
		fields[name] = value
	}
	granted(t, "KLOTHO_DATASTORE_ORDERS", fields)
}

func TestADatabaseIsReachedByTheLoginOfItsSecretAndItsCertificateVerified(t *testing.T) {
	asked := aws(t, holds(`{"username": "app", "password": "p@ss/w:rd"}`))
	t.Setenv("KLOTHO_DATABASE_CA", "/ca.pem")
	postgres(t, nil)
	wanted := map[string][3]string{
		"IT_URL": {"datastores", "orders", "url"}, "IT_HOST": {"datastores", "orders", "host"},
		"IT_PORT": {"datastores", "orders", "port"}, "IT_PASSWORD": {"datastores", "orders", "password"},
	}
	for name := range wanted {
		t.Setenv(name, "of the machine")
	}
	if _, err := setVariables(context.Background(), wanted); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(os.Getenv("IT_URL"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := address.User.Password()
	found := []string{
		address.Scheme, address.User.Username(), password, address.Host, address.Path,
		address.Query().Get("sslmode"), address.Query().Get("sslrootcert"),
		os.Getenv("IT_HOST"), os.Getenv("IT_PORT"), os.Getenv("IT_PASSWORD"),
	}
	expected := []string{
		"postgresql", "app", "p@ss/w:rd", "db.example:5432", "/orders", "verify-full", "/ca.pem", "db.example", "5432",
		"p@ss/w:rd",
	}
	if !reflect.DeepEqual(found, expected) {
		t.Error(found)
	}
	if !reflect.DeepEqual(*asked, []string{`secretsmanager.GetSecretValue{"SecretId":"` + arn + `"}`}) {
		t.Error("one database is asked for once:", *asked)
	}
}

func TestOnAwsTheAuthoritiesOfRdsAreAFile(t *testing.T) {
	aws(t, holds(`{"username": "app", "password": "x"}`))
	t.Setenv("KLOTHO_DATABASE_CA", "")
	t.Setenv("TMPDIR", t.TempDir())
	postgres(t, nil)
	found, err := connectionOf(context.Background(), "datastores", "orders")
	if err != nil {
		t.Fatal(err)
	}
	address, _ := url.Parse(found["url"])
	content, err := os.ReadFile(address.Query().Get("sslrootcert"))
	if err != nil || !strings.Contains(string(content), "-----BEGIN CERTIFICATE-----") {
		t.Error(err, len(content))
	}
}

func TestALoginOfIamIsATokenThatIsMadeHere(t *testing.T) {
	asked := aws(t, refuses(400, "NobodyAsks", ""))
	t.Setenv("KLOTHO_DATABASE_CA", "/ca.pem")
	postgres(t, grant{"login": "iam", "user": "orders-app"})
	found, err := connectionOf(context.Background(), "datastores", "orders")
	if err != nil {
		t.Fatal(err)
	}
	begins := "db.example:5432/?Action=connect&DBUser=orders-app&X-Amz-Algorithm=AWS4-HMAC-SHA256&"
	if !strings.HasPrefix(found["password"], begins) || found["user"] != "orders-app" || len(*asked) > 0 {
		t.Error(found, *asked)
	}
}

func TestACacheIsReachedOverTls(t *testing.T) {
	aws(t, holds(`{"username": "app", "password": "p"}`))
	t.Setenv("KLOTHO_DATABASE_CA", "/cloud/ca.pem")
	t.Setenv("SSL_CERT_DIR", "")
	granted(t, "KLOTHO_DATASTORE_IT", grant{
		"name": "it", "kind": "Databases.Redis", "host": "::1", "port": 6379, "secret": arn, "tls": true,
	})
	found, err := connectionOf(context.Background(), "datastores", "it")
	if err != nil || found["url"] != "rediss://app:p@[::1]:6379/0" {
		t.Error(found, err)
	}
	if !strings.HasSuffix(os.Getenv("SSL_CERT_DIR"), ":/cloud") {
		t.Error("the local cloud's authority is not trusted:", os.Getenv("SSL_CERT_DIR"))
	}
}

func TestASecretIsTheValueOfAVariable(t *testing.T) {
	aws(t, refuses(500, "InternalServiceError", "later"), refuses(400, "ThrottlingException", "later"), holds("s3cret"))
	granted(t, "KLOTHO_SECRET_KEY", grant{"name": "api-key", "kind": "Secret", "secret": arn})
	t.Setenv("API_KEY", "")
	_, err := setVariables(context.Background(), map[string][3]string{"API_KEY": {"secrets", "api-key", "value"}})
	if err != nil || os.Getenv("API_KEY") != "s3cret" {
		t.Error(err, os.Getenv("API_KEY"))
	}
}

func TestASecretWithoutAValueSaysWhatToDo(t *testing.T) {
	removed, _ := json.Marshal(map[string]string{"SecretString": "x", "VersionId": "klotho-not-set-1"})
	for _, answer := range []func(http.ResponseWriter){
		refuses(400, "com.amazonaws.secretsmanager#ResourceNotFoundException", "can't find the specified secret value"),
		func(answer http.ResponseWriter) { answer.Write(removed) },
	} {
		aws(t, answer)
		granted(t, "KLOTHO_SECRET_KEY", grant{"name": "api-key", "kind": "Secret", "secret": arn})
		_, err := connectionOf(context.Background(), "secrets", "api-key")
		if err == nil || !strings.Contains(err.Error(), "klotho secret set api-key") {
			t.Error(err)
		}
	}
}

func TestAContainerStartsWithoutASecretAndEndsWhenItHasAValue(t *testing.T) {
	notYet := refuses(400, "ResourceNotFoundException", "")
	aws(t, notYet, notYet, refuses(403, "AccessDeniedException", ""), holds("s3cret"))
	granted(t, "KLOTHO_SECRET_KEY", grant{"name": "api-key", "kind": "Secret", "secret": arn})
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "")
	t.Setenv("API_KEY", "")
	wanted := map[string][3]string{"API_KEY": {"secrets", "api-key", "value"}}
	missing, err := setVariables(context.Background(), wanted)
	if err != nil || len(missing) != 1 {
		t.Fatal(missing, err)
	}
	slept, ended := 0, false
	endWhenSet(missing, func(time.Duration) { slept++ }, func() { ended = true })
	if slept != 3 || !ended {
		t.Error(slept, ended)
	}
}

func TestAFunctionFailsWhileASecretHasNoValue(t *testing.T) {
	aws(t, refuses(400, "ResourceNotFoundException", ""))
	granted(t, "KLOTHO_SECRET_KEY", grant{"name": "api-key", "kind": "Secret", "secret": arn})
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
	wanted := map[string][3]string{"API_KEY": {"secrets", "api-key", "value"}}
	if _, err := setVariables(context.Background(), wanted); err == nil {
		t.Error("it began")
	}
}

func TestAFunctionFailsWhatItIsAskedUntilASecretHasAValueAndBeginsWithThatEvent(t *testing.T) {
	side := lambdaSide{make(chan string), make(chan string)}
	server := httptest.NewServer(side)
	defer server.Close()
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(server.URL, "http://"))
	attempts, done := 0, make(chan error)
	go func() {
		done <- failUntil(func() error {
			if attempts++; attempts < 3 {
				return errSecretNotSet
			}
			return nil
		})
	}()
	for range [2]int{} {
		if said := side.ask("{}"); !strings.HasPrefix(said, "error ") || !strings.Contains(said, "has no value yet") {
			t.Error(said)
		}
	}
	side.events <- "the third"
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	event, err := ofLambda().next()
	if err != nil {
		t.Fatal(err)
	}
	if content, _ := io.ReadAll(event.Body); string(content) != "the third" {
		t.Error(string(content))
	}
}

func TestARefusalIsAnErrorWithoutAnotherAttempt(t *testing.T) {
	asked := aws(t, refuses(400, "AccessDeniedException", "not yours"))
	_, err := secretText(context.Background(), arn)
	refused, is := err.(*AwsError)
	if !is || *refused != (AwsError{"secretsmanager", "AccessDeniedException", "not yours", 400}) || len(*asked) != 1 {
		t.Error(err, *asked)
	}
}

func TestWhatWasNotGrantedIsSaidByName(t *testing.T) {
	granted(t, "KLOTHO_SECRET_KEY", grant{"name": "api-key"})
	if _, err := grantOf("secrets", "other"); err == nil || !strings.Contains(err.Error(), `["api-key"]`) {
		t.Error(err)
	}
}

func TestCredentialsOfAContainerAreAskedForOnce(t *testing.T) {
	asked := []string{}
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		asked = append(asked, request.Header.Get("Authorization"))
		answer.Write([]byte(`{"AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T", "Expiration": "2999-01-01T00:00:00Z"}`))
	}))
	defer server.Close()
	defer forgetCredentials()
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.URL)
	t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic x")
	for range [2]int{} {
		if found, err := currentCredentials(); err != nil || found.sessionToken != "T" {
			t.Error(found, err)
		}
	}
	if !reflect.DeepEqual(asked, []string{"Basic x"}) {
		t.Error(asked)
	}
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://a.stranger/")
	if _, err := currentCredentials(); err == nil {
		t.Error("a stranger was asked in the clear")
	}
}
