package klotho_unit

// The unit on Lambda: it fetches events, hands requests to its own server and calls to its functions, and sends the
// answers back. Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// isOnLambda says whether events are this process's to fetch. Those of a container are fetched by the adapter beside it,
// which sends requests to its port.
func isOnLambda() bool { return isFunction && os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" }

// event is whatever Lambda is sent: a request of an API or of a load balancer, a call, or the time of a schedule.
type event struct {
	httpEvent
	Klotho         string            `json:"klotho"`
	Schedule       string            `json:"schedule"`
	Method         string            `json:"httpMethod"`
	Path           string            `json:"path"`
	Query          map[string]string `json:"queryStringParameters"`
	RequestContext struct {
		httpContext
		Balancer json.RawMessage `json:"elb"`
	} `json:"requestContext"`
}

// runtime is Lambda's side: where events come from.
type runtime struct {
	address string
	client  *http.Client
}

func ofLambda() runtime {
	address := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	return runtime{address, &http.Client{Transport: &http.Transport{}}} // an event is waited for as long as it takes
}

// begun is the event that was fetched before the unit could begin.
var begun *http.Response

func (lambda runtime) next() (*http.Response, error) {
	if found := begun; found != nil {
		begun = nil
		return found, nil
	}
	return lambda.client.Get(lambda.address + "next")
}

// answerEvents answers one event after the other until the process is ended.
func answerEvents(within *listener) {
	lambda := ofLambda()
	for {
		if err := lambda.answerNext(within); err != nil {
			log.Fatalf("the unit %s can't go on: Lambda's runtime interface: %s", Name, err)
		}
	}
}

func (lambda runtime) answerNext(within *listener) error {
	response, err := lambda.next()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return err
	}
	id := response.Header.Get("Lambda-Runtime-Aws-Request-Id")
	if response.StatusCode != http.StatusOK || id == "" {
		return fmt.Errorf("it answers with the status %s", response.Status)
	}
	_ = os.Setenv("_X_AMZN_TRACE_ID", response.Header.Get("Lambda-Runtime-Trace-Id"))
	ctx, cancel := contextOf(response.Header)
	defer cancel()
	said, err := handled(ctx, content, within)
	if err == nil {
		return lambda.send(id+"/response", said, "")
	}
	log.Println(err)
	return lambda.fail(id, err)
}

func (lambda runtime) fail(id string, why error) error {
	kind := fmt.Sprintf("%T", why)
	said, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": why.Error()})
	return lambda.send(id+"/error", said, kind)
}

func contextOf(header http.Header) (context.Context, context.CancelFunc) {
	at, err := strconv.ParseInt(header.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
	if err != nil {
		return context.WithCancel(context.Background())
	}
	return context.WithDeadline(context.Background(), time.Unix(at/1000, at%1000*int64(time.Millisecond)))
}

func (lambda runtime) send(path string, content []byte, failed string) error {
	request, err := http.NewRequest(http.MethodPost, lambda.address+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if failed != "" {
		request.Header.Set("Lambda-Runtime-Function-Error-Type", failed)
	}
	response, err := lambda.client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return err
}

// handled gives the answer to an event.
func handled(ctx context.Context, content []byte, within *listener) ([]byte, error) {
	var found event
	if err := json.Unmarshal(content, &found); err != nil {
		return nil, err
	}
	switch {
	case len(found.RequestContext.Balancer) > 0:
		return throughBalancer(ctx, found, within)
	case found.RequestContext.HTTP.Method != "":
		answer, err := found.answer(ctx, within)
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	case found.Klotho == "call":
		return answer(ctx, content)
	case found.Schedule != "": // called to stay: it is loaded
		return []byte("null"), nil
	}
	return nil, fmt.Errorf("unit %s was sent something that is no request and no call", Name)
}

// throughBalancer answers a load balancer, which knows no list of cookies.
func throughBalancer(ctx context.Context, found event, within *listener) ([]byte, error) {
	query := []string{}
	for name, value := range found.Query {
		if value != "" {
			name += "=" + value
		}
		query = append(query, name)
	}
	sort.Strings(query)
	found.RawPath, found.RawQueryString = unescaped(found.Path), strings.Join(query, "&")
	found.RequestContext.HTTP.Method = found.Method
	answer, err := found.answer(ctx, within)
	if err != nil {
		return nil, err
	}
	if len(answer.Cookies) > 1 {
		return nil, fmt.Errorf("an answer through a load balancer can set one cookie, and this one sets several")
	}
	for _, cookie := range answer.Cookies {
		answer.Headers["set-cookie"] = cookie
	}
	answer.Cookies = nil
	return json.Marshal(answer)
}

// answer gives what the unit's own server says to a request.
func (found event) answer(ctx context.Context, within *listener) (httpAnswer, error) {
	request, err := found.request(ctx)
	if err != nil {
		return httpAnswer{}, err
	}
	response, err := within.send(request, found.RequestContext.HTTP.SourceIP)
	if err != nil {
		return httpAnswer{}, err
	}
	answer := httpAnswer{StatusCode: response.StatusCode, Headers: map[string]string{}, Cookies: response.Header["Set-Cookie"]}
	for name, values := range response.Header {
		if name != "Set-Cookie" && !ofTheWay[name] {
			answer.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return httpAnswer{}, err
	}
	if isText(response.Header) && utf8.Valid(body) {
		answer.Body = string(body)
	} else {
		answer.Body, answer.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return answer, nil
}

func (found event) request(ctx context.Context) (*http.Request, error) {
	body := []byte(found.Body)
	if found.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(found.Body); err != nil {
			return nil, err
		}
	}
	request, err := http.NewRequestWithContext(ctx, found.RequestContext.HTTP.Method, "http://unit", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	// API Gateway hands the path over decoded, so that an encoded slash can't be told from a plain one.
	request.URL.Path, request.URL.RawQuery = found.RawPath, found.RawQueryString
	for name, value := range found.Headers {
		if name = http.CanonicalHeaderKey(name); !ofTheWay[name] {
			request.Header[name] = []string{value}
		}
	}
	if len(found.Cookies) > 0 {
		request.Header["Cookie"] = []string{strings.Join(found.Cookies, "; ")}
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	if request.Header["User-Agent"] == nil {
		request.Header["User-Agent"] = []string{""} // not Go's own
	}
	return request, nil
}

var text = regexp.MustCompile(`(?i)^(text/|application/(json|javascript|xml|x-www-form-urlencoded)|[^;]+\+(json|xml))`)

func isText(header http.Header) bool {
	return text.MatchString(header.Get("Content-Type")) && header.Get("Content-Encoding") == ""
}
