package klotho_unit

// Where other units are, and how they are sent something: a function is invoked, a container is sent a request.

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// service is another unit.
type service string

// unitClient goes straight to other units: proxies are for what is outside.
var unitClient = &http.Client{
	Transport: &http.Transport{IdleConnTimeout: 15 * time.Second, MaxIdleConnsPerHost: 16},
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // it is an answer as any other
	},
}

// call sends what a call asks for, and gives the answer.
func (unit service) call(ctx context.Context, question []byte) ([]byte, error) {
	found, err := grantOf("services", string(unit))
	if err != nil {
		return nil, err
	}
	if arn := found.text("function"); arn != "" {
		return invoke(ctx, arn, question)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	answer, err := unit.request(ctx, http.MethodPost, callPath, header, question)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers with the status %d: %.500s", answer.StatusCode, content)
	}
	return content, err
}

// request sends a request to the unit's server; the caller closes the answer's body. `target` is the path with its
// query, percent-encoded; the header has the host, too.
func (unit service) request(
	ctx context.Context, method, target string, header http.Header, body []byte,
) (*http.Response, error) {
	found, err := grantOf("services", string(unit))
	if err != nil {
		return nil, err
	}
	for _, field := range []string{"function", "web"} {
		if arn := found.text(field); arn != "" {
			return requestByEvent(ctx, arn, method, target, header, body)
		}
	}
	address, err := addressOf(ctx, found)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, address+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Host = header.Get("Host")
	for name, values := range header {
		if !ofTheWay[name] {
			request.Header[name] = values
		}
	}
	return unitClient.Do(request)
}

// addressOf is where a container's server is, without a slash at its end.
func addressOf(ctx context.Context, found grant) (string, error) {
	address := found.text("http")
	if address == "" {
		discover, _ := found["discover"].(map[string]interface{})
		var err error
		if address, err = instanceIn(ctx, grant(discover).text("namespace"), grant(discover).text("service")); err != nil {
			return "", err
		}
	}
	if !strings.Contains(address, "//") {
		address = "http://" + address
	}
	return strings.TrimRight(address, "/"), nil
}

// invoke runs a function of Lambda once, and gives what it returns.
func invoke(ctx context.Context, arn string, payload []byte) ([]byte, error) {
	asked := awsRequest{
		service: "lambda", method: http.MethodPost, region: regionOfArn(arn), once: true,
		path: "/2015-03-31/functions/" + escaped(arn, "") + "/invocations",
		header: map[string]string{
			"Content-Type": "application/json", "X-Amz-Invocation-Type": "RequestResponse",
		},
	}
	answer, err := asked.with(payload).send(ctx)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || answer.Header.Get("X-Amz-Function-Error") == "" {
		return content, err
	}
	var said struct{ ErrorType, ErrorMessage string }
	_ = json.Unmarshal(content, &said)
	return nil, fmt.Errorf("it failed with %s: %s", said.ErrorType, said.ErrorMessage)
}

// httpEvent is a request as an API hands it to a function: payload format 2.0,
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
type httpEvent struct {
	Version         string            `json:"version"`
	RouteKey        string            `json:"routeKey"`
	RawPath         string            `json:"rawPath"`
	RawQueryString  string            `json:"rawQueryString"`
	Cookies         []string          `json:"cookies,omitempty"`
	Headers         map[string]string `json:"headers"`
	RequestContext  httpContext       `json:"requestContext"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type httpContext struct {
	HTTP struct {
		Method    string `json:"method"`
		Path      string `json:"path"`
		Protocol  string `json:"protocol"`
		SourceIP  string `json:"sourceIp"`
		UserAgent string `json:"userAgent"`
	} `json:"http"`
	DomainName string `json:"domainName"`
	RouteKey   string `json:"routeKey"`
	Stage      string `json:"stage"`
}

// httpAnswer is what a function makes of it.
type httpAnswer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Cookies         []string          `json:"cookies"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// requestByEvent sends a request to what runs on Lambda.
func requestByEvent(
	ctx context.Context, arn, method, target string, header http.Header, body []byte,
) (*http.Response, error) {
	event, err := json.Marshal(eventOf(method, target, header, body))
	if err != nil {
		return nil, err
	}
	content, err := invoke(ctx, arn, event)
	if err != nil {
		return nil, err
	}
	var said httpAnswer
	if err := json.Unmarshal(content, &said); err != nil || said.StatusCode == 0 {
		return nil, fmt.Errorf("it answers with what is no response: %.200q", content)
	}
	return said.response()
}

func eventOf(method, target string, header http.Header, body []byte) httpEvent {
	path, query := cut(target, "?")
	plain, err := url.PathUnescape(path)
	if err != nil {
		plain = path
	}
	event := httpEvent{
		Version: "2.0", RouteKey: "$default", RawPath: plain, RawQueryString: query, Headers: map[string]string{},
		Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
	}
	for name, values := range header {
		if name == "Cookie" {
			event.Cookies = strings.Split(strings.Join(values, "; "), "; ")
		} else if !ofTheWay[name] {
			event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = method, plain
	event.RequestContext.HTTP.Protocol, event.RequestContext.HTTP.SourceIP = "HTTP/1.1", "127.0.0.1"
	event.RequestContext.HTTP.UserAgent = header.Get("User-Agent")
	event.RequestContext.RouteKey, event.RequestContext.Stage = "$default", "$default"
	return event
}

func (said httpAnswer) response() (*http.Response, error) {
	body := []byte(said.Body)
	if said.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(said.Body); err != nil {
			return nil, err
		}
	}
	header := http.Header{}
	for name, value := range said.Headers {
		header.Set(name, value)
	}
	for _, cookie := range said.Cookies {
		header.Add("Set-Cookie", cookie)
	}
	return &http.Response{StatusCode: said.StatusCode, Header: header, Body: io.NopCloser(bytes.NewReader(body))}, nil
}

// ofTheWay are headers of one connection, which is another one behind it.
var ofTheWay = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Te": true, "Transfer-Encoding": true,
	"Upgrade": true,
}

// instancesFor is how long what Cloud Map says is believed: a stopped task is called for at most that long.
const instancesFor = 10 * time.Second

var instances struct {
	sync.Mutex
	known map[string]instanceList
	turn  uint64
}

type instanceList struct {
	addresses []string
	since     time.Time
}

// instanceIn gives the next instance of a Cloud Map service in turn, as `host:port`.
func instanceIn(ctx context.Context, namespace, name string) (string, error) {
	key := namespace + " " + name
	instances.Lock()
	found, known := instances.known[key]
	instances.Unlock()
	if !known || time.Since(found.since) > instancesFor {
		fresh, err := discovered(ctx, namespace, name)
		if err != nil && !known {
			return "", err
		}
		if err == nil {
			found = instanceList{fresh, time.Now()}
		}
	}
	if len(found.addresses) == 0 {
		return "", fmt.Errorf("%s.%s has no healthy instance: is it running?", name, namespace)
	}
	instances.Lock()
	if instances.known == nil {
		instances.known = map[string]instanceList{}
	}
	instances.known[key] = found
	instances.Unlock()
	return found.addresses[atomic.AddUint64(&instances.turn, 1)%uint64(len(found.addresses))], nil
}

func discovered(ctx context.Context, namespace, name string) ([]string, error) {
	asked := map[string]string{"NamespaceName": namespace, "ServiceName": name, "HealthStatus": "HEALTHY_OR_ELSE_ALL"}
	var answer struct {
		Instances []struct{ Attributes map[string]string }
	}
	err := callAws(ctx, "servicediscovery", "Route53AutoNaming_v20170314.DiscoverInstances", "1.1", "", asked, &answer)
	found := []string{}
	for _, item := range answer.Instances {
		host, port := item.Attributes["AWS_INSTANCE_IPV4"], item.Attributes["AWS_INSTANCE_PORT"]
		if host != "" && port != "" {
			found = append(found, host+":"+port)
		}
	}
	sort.Strings(found)
	return found, err
}
