package klotho_unit

// Requests to AWS: signed, sent again after failures that pass, refusals as errors. Endpoints are those of the AWS
// SDKs' variables (AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL), else AWS's own.

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const attempts = 5

// awsVariables are the ends of AWS_ENDPOINT_URL_<SERVICE>, by signing name.
var awsVariables = map[string]string{
	"lambda": "LAMBDA", "s3": "S3", "secretsmanager": "SECRETS_MANAGER", "servicediscovery": "SERVICEDISCOVERY",
}

// What is stored packed is given as it is stored.
var awsClient = &http.Client{Transport: &http.Transport{
	Proxy: http.ProxyFromEnvironment, DisableCompression: true, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 16,
	IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
	DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
}}

// awsRequest is one request to a service of AWS.
type awsRequest struct {
	service, method string
	// path is percent-encoded, with its query.
	path   string
	header map[string]string
	// body is read from its beginning for each attempt; nil for none.
	body io.ReadSeeker
	// size of the body, in bytes, and its SHA-256.
	size int64
	hash string
	// base stands before the path, instead of the service's endpoint.
	base string
	// region is the unit's own unless said.
	region string
	// once: never sent again when the first attempt may have been acted upon.
	once bool
	// fault is why it can't be sent.
	fault error
}

// AwsError is what AWS refused.
type AwsError struct {
	Service, Code, Message string
	Status                 int
}

func (failure *AwsError) Error() string {
	return fmt.Sprintf("%s: %s: %s (status %d)", failure.Service, failure.Code, failure.Message, failure.Status)
}

// callAws calls an API of the JSON protocol: `secretsmanager.GetSecretValue`, and reads its answer.
func callAws(ctx context.Context, service, target, version, region string, asked, answer interface{}) error {
	body, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	header := map[string]string{"Content-Type": "application/x-amz-json-" + version, "X-Amz-Target": target}
	request := awsRequest{service: service, method: "POST", path: "/", header: header, region: region}
	found, err := request.with(body).send(ctx)
	if err != nil {
		return err
	}
	defer found.Body.Close()
	return json.NewDecoder(found.Body).Decode(answer)
}

// with gives the request a body that is in memory.
func (asked awsRequest) with(body []byte) awsRequest {
	asked.body, asked.size, asked.hash = bytes.NewReader(body), int64(len(body)), hashOf(body)
	return asked
}

// send gives an answer of less than 300, whose body the caller closes; else an error, an *AwsError where AWS refused.
func (asked awsRequest) send(ctx context.Context) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		answer, err := asked.attempt(ctx)
		if err == nil && answer.StatusCode < 300 {
			return answer, nil
		}
		again := err != nil && !asked.once && ctx.Err() == nil && !errors.Is(err, errNotSent)
		if err == nil {
			refused := refusalOf(asked.service, answer)
			again, err = passes(refused), refused
		}
		if !again || attempt >= attempts {
			return nil, err
		}
		longest := 100 * time.Millisecond << (attempt - 1)
		time.Sleep(time.Duration(rand.Int63n(int64(longest)) + 1))
	}
}

var errNotSent = errors.New("the request could not be made")

func (asked awsRequest) attempt(ctx context.Context) (*http.Response, error) {
	if asked.fault != nil {
		return nil, fmt.Errorf("%w: %s", errNotSent, asked.fault)
	}
	keys, err := currentCredentials()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotSent, err)
	}
	region, err := regionOf(asked.region)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotSent, err)
	}
	base := asked.base
	if base == "" {
		base = endpointOf(asked.service, region)
	}
	if asked.hash == "" {
		asked = asked.with(nil)
	}
	if _, err := asked.body.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("%w: %s", errNotSent, err)
	}
	// The transport closes what can be closed, and the next attempt reads it again.
	request, err := http.NewRequestWithContext(ctx, asked.method, base+asked.path, io.NopCloser(asked.body))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotSent, err)
	}
	request.ContentLength = asked.size
	if asked.size == 0 {
		request.Body = http.NoBody
	}
	for name, value := range asked.header {
		request.Header.Set(name, value)
	}
	sign(request, asked.hash, asked.service, region, keys, time.Now())
	return awsClient.Do(request)
}

func regionOf(given string) (string, error) {
	for _, region := range []string{given, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")} {
		if region != "" {
			return region, nil
		}
	}
	return "", errors.New("no AWS region: AWS_REGION is not set")
}

// regionOfArn is empty for what is no ARN.
func regionOfArn(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}

// configuredEndpoint is empty where the environment names none.
func configuredEndpoint(service string) string {
	if strings.EqualFold(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return ""
	}
	own := os.Getenv("AWS_ENDPOINT_URL_" + awsVariables[service])
	if own == "" {
		own = os.Getenv("AWS_ENDPOINT_URL")
	}
	return strings.TrimRight(own, "/")
}

func endpointOf(service, region string) string {
	if configured := configuredEndpoint(service); configured != "" {
		return configured
	}
	host := service
	if service == "servicediscovery" { // of which DiscoverInstances alone is called, on a host of its own
		host = "data-servicediscovery"
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://" + host + "." + region + "." + domain
}

func passes(failure *AwsError) bool {
	switch failure.Code {
	case "ExpiredToken", "ExpiredTokenException":
		forgetCredentials()
		return true
	case "InternalServerError", "InternalServiceError", "RequestLimitExceeded", "RequestThrottled", "SlowDown",
		"RequestThrottledException", "ThrottledException", "Throttling", "ThrottlingException", "TooManyRequestsException":
		return true
	}
	switch failure.Status {
	case 429, 500, 502, 503, 504:
		return true
	}
	return false
}

func refusalOf(service string, answer *http.Response) *AwsError {
	defer answer.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	var said struct {
		Type    string `json:"__type" xml:"-"`
		Code    string `json:"code" xml:"Code"`
		Message string `json:"message" xml:"Message"`
	}
	if json.Unmarshal(body, &said) != nil {
		_ = xml.Unmarshal(body, &said)
	}
	code := answer.Header.Get("X-Amzn-Errortype")
	for _, other := range []string{said.Type, said.Code, fmt.Sprintf("HTTP%d", answer.StatusCode)} {
		if code == "" {
			code = other
		}
	}
	// `com.amazonaws.lambda#Name`, or `Name:http://…`: only the name is of use.
	code, _ = cut(code, ":")
	code = code[strings.LastIndex(code, "#")+1:]
	message := said.Message
	if message == "" {
		message = fmt.Sprintf("%.200s", body)
	}
	return &AwsError{service, code, message, answer.StatusCode}
}
