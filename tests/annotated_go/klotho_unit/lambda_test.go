package klotho_unit

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lambdaSide plays Lambda: it gives events out, one at a time, and takes what comes back for each.
type lambdaSide struct {
	events, answers chan string
}

func (side lambdaSide) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	if strings.HasSuffix(request.URL.Path, "/next") {
		writer.Header().Set("Lambda-Runtime-Aws-Request-Id", "one")
		writer.Header().Set("Lambda-Runtime-Deadline-Ms", "4000000000000")
		_, _ = io.WriteString(writer, <-side.events)
		return
	}
	body, _ := io.ReadAll(request.Body)
	how := request.URL.Path[strings.LastIndex(request.URL.Path, "/")+1:]
	side.answers <- how + " " + request.Header.Get("Lambda-Runtime-Function-Error-Type") + " " + string(body)
}

func (side lambdaSide) ask(event string) string {
	side.events <- event
	return <-side.answers
}

// asked gives what a unit answers to a request of an API.
func (side lambdaSide) asked(t *testing.T, method, path, rest string) httpAnswer {
	said := side.ask(fmt.Sprintf(`{"rawPath": %q, "requestContext": {"http": {"method": %q, "sourceIp": "203.0.113.9"}}%s}`, path, method, rest))
	var answer httpAnswer
	if err := json.Unmarshal([]byte(strings.TrimPrefix(said, "response  ")), &answer); err != nil {
		t.Fatal(said, err)
	}
	return answer
}

func application() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo/", func(writer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		writer.Header().Add("Set-Cookie", "a=1")
		writer.Header().Add("Set-Cookie", "b=2")
		fmt.Fprintf(writer, "%s %s|%s|%s|%s|%s|%s", request.Method, request.RequestURI, request.Host, request.RemoteAddr,
			request.Header.Get("Cookie"), request.UserAgent(), body)
	})
	mux.HandleFunc("/bytes", func(writer http.ResponseWriter, _ *http.Request) { _, _ = writer.Write([]byte{0, 255}) })
	mux.HandleFunc("/early", func(writer http.ResponseWriter, _ *http.Request) { writer.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("/one", func(writer http.ResponseWriter, request *http.Request) {
		writer.Header().Set("Set-Cookie", "only=1")
		fmt.Fprint(writer, request.URL.Path, "?", request.URL.RawQuery)
	})
	mux.HandleFunc("/panics", func(http.ResponseWriter, *http.Request) { panic("no pets") })
	return mux
}

func onLambda(t *testing.T, handler http.Handler) lambdaSide {
	side := lambdaSide{make(chan string), make(chan string)}
	server := httptest.NewServer(side)
	t.Cleanup(server.CloseClientConnections)
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(server.URL, "http://"))
	t.Setenv("KLOTHO_UNIT", "shop")
	go func() { t.Error(ListenAndServe(":http", handler)) }()
	return side
}

func TestOnLambdaRequestsAreAnsweredByTheUnitsOwnServer(t *testing.T) {
	side := onLambda(t, application())
	rest := `, "rawQueryString": "q=%20x", "cookies": ["c=3", "d=4"], "body": "aMO8", "isBase64Encoded": true,
		"headers": {"host": "pets.example", "content-length": "77", "user-agent": "tests"}`
	got := side.asked(t, "POST", "/echo/ä b", rest)
	expected := "POST /echo/%C3%A4%20b?q=%20x|pets.example|203.0.113.9:0|c=3; d=4|tests|hü"
	if got.StatusCode != 200 || got.Body != expected || got.IsBase64Encoded || strings.Join(got.Cookies, " ") != "a=1 b=2" {
		t.Errorf("%+v", got)
	}
	if got.Headers["content-type"] != "text/plain; charset=utf-8" || got.Headers["set-cookie"] != "" {
		t.Error(got.Headers)
	}
	if got = side.asked(t, "GET", "/bytes", ""); got.Body != "AP8=" || !got.IsBase64Encoded {
		t.Errorf("%+v", got)
	}
	if got = side.asked(t, "HEAD", "/echo/", ""); got.StatusCode != 200 || got.Body != "" {
		t.Errorf("%+v", got)
	}
	if got = side.asked(t, "GET", "/nothing", ""); got.StatusCode != 404 {
		t.Errorf("%+v", got)
	}
	large := fmt.Sprintf(`, "body": %q`, strings.Repeat("x", 5_000_000))
	if got = side.asked(t, "POST", "/early", large); got.StatusCode != http.StatusTeapot {
		t.Errorf("what a server does not read is not waited for: %+v", got)
	}
	waits := `, "headers": {"expect": "100-continue"}, "body": "hi"`
	if got = side.asked(t, "POST", "/echo/", waits); got.StatusCode != 200 || !strings.HasSuffix(got.Body, "|hi") {
		t.Errorf("%+v", got)
	}
}

func TestOnLambdaABalancerAndCallsAreAnsweredAndWhatIsNeitherFails(t *testing.T) {
	side := onLambda(t, application())
	Offer("adopt.go", "adopt", adopt)
	got := side.ask(`{"requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "path": "/on%65",
		"queryStringParameters": {"b": "2", "a": ""}, "headers": {}}`)
	if !strings.Contains(got, `"body":"/one?a\u0026b=2"`) || !strings.Contains(got, `"set-cookie":"only=1"`) || !strings.Contains(got, `"cookies":null`) {
		t.Error(got)
	}
	got = side.ask(`{"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/echo/", "headers": {}}`)
	if !strings.Contains(got, "can set one cookie") {
		t.Error(got)
	}
	arguments, _ := json.Marshal(`["Rex",{"Name":"Ada"},[1]]`)
	got = side.ask(`{"klotho": "call", "file": "adopt.go", "name": "other", "arguments": ` + string(arguments) + `}`)
	if !strings.HasPrefix(got, "error *errors.errorString ") || !strings.Contains(got, "no function other in adopt.go") {
		t.Error(got)
	}
	got = side.ask(`{"klotho": "call", "file": "adopt.go", "name": "adopt", "arguments": ` + string(arguments) + `}`)
	if !strings.HasPrefix(got, "response ") || !strings.Contains(got, "Rex of Ada") {
		t.Error(got)
	}
	if got = side.ask(`{"schedule": "warm-shop"}`); got != "response  null" {
		t.Error(got)
	}
	for _, wrong := range []string{`{"something": "else"}`, `{"requestContext": {"http": {"method": "GET"}}, "rawPath": "/panics"}`} {
		if got = side.ask(wrong); !strings.HasPrefix(got, "error ") {
			t.Error(got)
		}
	}
}

func TestWhereItIsNotOnLambdaItListensOnThePortThatItIsTold(t *testing.T) {
	free := httptest.NewServer(nil)
	port := free.URL[strings.LastIndex(free.URL, ":")+1:]
	free.Close()
	t.Setenv("PORT", port)
	t.Setenv("KLOTHO_UNIT", "shop")
	os.Unsetenv("AWS_LAMBDA_RUNTIME_API")
	server := &http.Server{Addr: "of no use", Handler: application()}
	ended := make(chan error)
	go func() { ended <- Serve(server.Serve, server.Addr, &server.Handler) }()
	var answer *http.Response
	var err error
	for range make([]int, 200) {
		if answer, err = http.Get("http://127.0.0.1:" + port + "/early"); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil || answer.StatusCode != http.StatusTeapot {
		t.Fatal(err, answer)
	}
	if answer, err = http.Post("http://127.0.0.1:"+port+callPath, "", strings.NewReader("{}")); err != nil || answer.StatusCode != 400 {
		t.Error("calls are taken in front of it:", err, answer)
	}
	server.Close()
	if err := <-ended; err != http.ErrServerClosed {
		t.Error(err)
	}
}

func TestAContainerThatIsAskedToEndFinishesWhatItBegan(t *testing.T) {
	free := httptest.NewServer(nil)
	address := strings.TrimPrefix(free.URL, "http://")
	free.Close()
	t.Setenv("PORT", address[strings.LastIndex(address, ":")+1:])
	t.Setenv("KLOTHO_UNIT", "shop")
	began, ended, answered := make(chan struct{}), make(chan error), make(chan string)
	go func() {
		ended <- ListenAndServe("", http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
			close(began)
			time.Sleep(200 * time.Millisecond)
			_, _ = io.WriteString(writer, "all of it")
		}))
	}()
	go func() {
		for {
			if answer, err := http.Get("http://" + address); err == nil {
				body, _ := io.ReadAll(answer.Body)
				answered <- string(body)
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	<-began
	_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	if body := <-answered; body != "all of it" {
		t.Error(body)
	}
	if err := <-ended; err != http.ErrServerClosed {
		t.Error(err)
	}
}
