package klotho_unit

// Credentials of this process: from the environment (Lambda, local cloud) or the container's endpoint (ECS, EKS).

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

// refreshBefore is how long before they expire credentials are fetched again.
const refreshBefore = 5 * time.Minute

var held struct {
	sync.Mutex
	keys credentials
}

// currentCredentials gives those to sign with now.
func currentCredentials() (credentials, error) {
	access, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if access != "" && secret != "" {
		return credentials{accessKey: access, secretKey: secret, sessionToken: os.Getenv("AWS_SESSION_TOKEN")}, nil
	}
	address, err := credentialsAddress()
	if err != nil {
		return credentials{}, err
	}
	held.Lock()
	defer held.Unlock()
	if held.keys.accessKey != "" && time.Until(held.keys.expires) > refreshBefore {
		return held.keys, nil
	}
	found, err := fetchedCredentials(address)
	switch {
	case err == nil:
		held.keys = found
	case held.keys.accessKey == "" || time.Until(held.keys.expires) <= 0:
		return credentials{}, err
	}
	// Those of before are still good for a while: the endpoint may be back by then.
	return held.keys, nil
}

// forgetCredentials drops those that AWS says have expired.
func forgetCredentials() {
	held.Lock()
	defer held.Unlock()
	held.keys = credentials{}
}

func credentialsAddress() (string, error) {
	if relative := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		return "http://169.254.170.2" + relative, nil
	}
	full := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if full == "" {
		return "", errors.New("no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor " +
			"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI are set")
	}
	address, err := url.Parse(full)
	if err != nil || !(address.Scheme == "https" || address.Scheme == "http" && isNear(address.Hostname())) {
		return "", errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is not allowed: without https only loopback and the " +
			"addresses of ECS and EKS are")
	}
	return full, nil
}

// isNear says whether credentials may be asked of a host in the clear: the rule of the AWS SDKs.
func isNear(host string) bool {
	switch host {
	case "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23":
		return true
	}
	address := net.ParseIP(host)
	return address != nil && address.IsLoopback()
}

func fetchedCredentials(address string) (credentials, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return credentials{}, err
	}
	token := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if path := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		content, err := os.ReadFile(path)
		if err != nil {
			return credentials{}, err
		}
		token = strings.TrimSpace(string(content))
	}
	if token != "" {
		request.Header.Set("Authorization", token)
	}
	answer, err := sentAgain(&http.Client{Timeout: 2 * time.Second}, request)
	if err != nil {
		return credentials{}, fmt.Errorf("the container's endpoint gave no credentials: %w", err)
	}
	defer answer.Body.Close()
	var said struct {
		AccessKeyId, SecretAccessKey, Token string
		Expiration                          time.Time
	}
	if answer.StatusCode != http.StatusOK {
		return credentials{}, fmt.Errorf("the container's endpoint gave no credentials: %s", answer.Status)
	}
	if json.NewDecoder(answer.Body).Decode(&said) != nil || said.AccessKeyId == "" {
		return credentials{}, errors.New("the answer of the container's endpoint for credentials is not understood")
	}
	return credentials{said.AccessKeyId, said.SecretAccessKey, said.Token, said.Expiration}, nil
}

// sentAgain sends a request without a body up to three times.
func sentAgain(client *http.Client, request *http.Request) (answer *http.Response, err error) {
	for attempt := 0; attempt < 3; attempt++ {
		if attempt > 0 {
			time.Sleep(200 * time.Millisecond << attempt)
		}
		answer, err = client.Do(request)
		if err == nil && answer.StatusCode < 500 {
			return answer, nil
		}
		if err == nil && attempt < 2 {
			answer.Body.Close()
		}
	}
	return answer, err
}
