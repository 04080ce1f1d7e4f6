package klotho_unit

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

type owner struct{ Name string }

func adopt(ctx context.Context, name string, of *owner, more ...int) (string, int, error) {
	if name == "" {
		return "", len(more), errSoldOut
	}
	if name == "panics" {
		panic("no pets")
	}
	if name == "waits" {
		<-ctx.Done()
		return "", 0, ctx.Err()
	}
	return name + " of " + of.Name, len(more), nil
}

// called is the beginning of `adopt` in units that do not own it.
func called(ctx context.Context, name string, of *owner, more ...int) (first string, second int, err error) {
	err = Call(ctx, "adoptions", "adopt.go", "adopt", []interface{}{&name, &of, &more}, []interface{}{&first, &second})
	return
}

// container serves this unit's functions as one would, and grants the calls of them.
func container(t *testing.T) {
	server := httptest.NewServer(takingCalls(http.HandlerFunc(onlyCalls)))
	t.Cleanup(server.Close)
	granted(t, "KLOTHO_SERVICE_A", grant{"name": "adoptions", "kind": "Compute.Container", "http": server.URL})
	Offer("adopt.go", "adopt", adopt)
}

func TestAFunctionOfAnotherUnitIsCalled(t *testing.T) {
	container(t)
	KnowError("example.com/pets.errSoldOut", errSoldOut)
	first, second, err := called(context.Background(), "Rex", &owner{"Ada"}, 1, 2)
	if first != "Rex of Ada" || second != 2 || err != nil {
		t.Error(first, second, err)
	}
	if first, second, err = called(context.Background(), "", nil, 1); first != "" || second != 1 || err != errSoldOut {
		t.Error("what it returns beside its error arrives, too:", first, second, err)
	}
	err = Call(context.Background(), "adoptions", "adopt.go", "other", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no function other in adopt.go") {
		t.Error(err)
	}
	err = Call(context.Background(), "shop", "adopt.go", "adopt", nil, nil)
	if err == nil || !strings.Contains(err.Error(), `adopt of the unit shop can't be called`) {
		t.Error(err)
	}
}

func TestADeadlineIsThatOfBothUnits(t *testing.T) {
	container(t)
	ctx, done := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer done()
	if _, _, err := called(ctx, "waits", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	arguments := `["waits",null,[]]`
	timeout := int64(1)
	question, _ := json.Marshal(asked{Klotho: "call", File: "adopt.go", Name: "adopt", Arguments: arguments, Timeout: &timeout})
	content, err := answer(context.Background(), question)
	if err != nil || !strings.Contains(string(content), "context.DeadlineExceeded") {
		t.Error(string(content), err)
	}
}

func TestAPanicGoesOnWhereItWasCalled(t *testing.T) {
	container(t)
	defer func() {
		if thrown := recover(); thrown != "no pets" {
			t.Error(thrown)
		}
	}()
	_, _, err := called(context.Background(), "panics", nil)
	t.Error("it returned", err)
}

func TestCallsFromOutsideAreTheApplicationsOwn(t *testing.T) {
	server := httptest.NewServer(takingCalls(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		writer.WriteHeader(http.StatusTeapot)
	})))
	defer server.Close()
	for header, status := range map[string]int{"X-Klotho-Caller": 418, "X-Forwarded-Port": 418, "X-Other": 400} {
		request, _ := http.NewRequest(http.MethodPost, server.URL+callPath, strings.NewReader("{"))
		request.Header[header] = []string{""}
		if answer, err := http.DefaultClient.Do(request); err != nil || answer.StatusCode != status {
			t.Error(header, err, answer.StatusCode)
		}
	}
}

// lambda stands in for Lambda: it gives what a function makes of a payload.
func lambda(t *testing.T, function func(payload []byte) (content []byte, failed string)) {
	aws(t, func(http.ResponseWriter) {})
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		if request.Method != "POST" || request.URL.EscapedPath() != "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Aa/invocations" {
			t.Error(request.Method, request.URL.EscapedPath())
		}
		content, failed := function(body)
		if failed != "" {
			writer.Header().Set("X-Amz-Function-Error", failed)
		}
		writer.Write(content)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", server.URL)
}

func TestAFunctionOfLambdaIsInvoked(t *testing.T) {
	Offer("adopt.go", "adopt", adopt)
	granted(t, "KLOTHO_SERVICE_A", grant{
		"name": "adoptions", "kind": "Compute.Function", "function": "arn:aws:lambda:eu-west-1:1:function:a",
	})
	lambda(t, func(payload []byte) ([]byte, string) {
		content, err := answer(context.Background(), payload)
		if err != nil {
			t.Error(err)
		}
		return content, ""
	})
	if first, _, err := called(context.Background(), "Rex", &owner{"Ada"}); first != "Rex of Ada" || err != nil {
		t.Error(first, err)
	}
	lambda(t, func([]byte) ([]byte, string) {
		return []byte(`{"errorType": "Runtime.ExitError", "errorMessage": "exit status 1"}`), "Unhandled"
	})
	_, _, err := called(context.Background(), "Rex", nil)
	if err == nil || !strings.Contains(err.Error(), "Runtime.ExitError: exit status 1") {
		t.Error(err)
	}
}

func TestAContainerOnLambdaIsSentTheRequestAsAnEvent(t *testing.T) {
	Offer("adopt.go", "adopt", adopt)
	granted(t, "KLOTHO_SERVICE_A", grant{
		"name": "adoptions", "kind": "Compute.Container", "web": "arn:aws:lambda:eu-west-1:1:function:a",
	})
	lambda(t, func(payload []byte) ([]byte, string) {
		var event httpEvent
		if err := json.Unmarshal(payload, &event); err != nil || event.RawPath != callPath || event.RequestContext.HTTP.Method != "POST" {
			t.Error(string(payload), err)
		}
		question, _ := base64.StdEncoding.DecodeString(event.Body)
		content, _ := answer(context.Background(), question)
		reply, _ := json.Marshal(httpAnswer{StatusCode: 200, Body: string(content)})
		return reply, ""
	})
	if first, _, err := called(context.Background(), "Rex", &owner{"Ada"}); first != "Rex of Ada" || err != nil {
		t.Error(first, err)
	}
}

func TestInstancesOfCloudMapAreCalledInTurns(t *testing.T) {
	asked := aws(t, func(writer http.ResponseWriter) {
		_, _ = writer.Write([]byte(`{"Instances": [
			{"Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.2", "AWS_INSTANCE_PORT": "80"}},
			{"Attributes": {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"}},
			{"Attributes": {}}]}`))
	})
	place := grant{"discover": map[string]interface{}{"namespace": "shop.local", "service": "adoptions"}}
	seen := map[string]int{}
	for range [4]int{} {
		address, err := addressOf(context.Background(), place)
		if err != nil {
			t.Fatal(err)
		}
		seen[address]++
	}
	if seen["http://10.0.0.1:80"] != 2 || seen["http://10.0.0.2:80"] != 2 || len(*asked) != 1 {
		t.Error(seen, *asked)
	}
}

func TestRequestsForOtherUnitsAreHandedOn(t *testing.T) {
	got := make(chan *http.Request, 1)
	other := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		got <- request
		writer.Header().Add("Set-Cookie", "a=1")
		writer.Header().Add("Set-Cookie", "b=2")
		writer.WriteHeader(http.StatusCreated)
		_, _ = writer.Write(body)
	}))
	defer other.Close()
	granted(t, "KLOTHO_SERVICE_P", grant{"name": "pets", "kind": "Compute.Container", "http": other.URL})
	served = [][2]string{{"/pets/{id}/toys", Name}, {"/pets", "pets"}}
	defer func() { served = nil }()
	mine := httptest.NewServer(handingOn(http.NotFoundHandler()))
	defer mine.Close()
	request, _ := http.NewRequest(http.MethodPost, mine.URL+"/Pets/a%2Fb/?x=%20", strings.NewReader("body"))
	request.Host, request.Header["X-One"] = "pets.example", []string{"1", "2"}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	content, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != 201 || string(content) != "body" || len(answer.Header["Set-Cookie"]) != 2 {
		t.Error(answer, string(content))
	}
	arrived := <-got
	if arrived.Host != "pets.example" || arrived.RequestURI != "/Pets/a%2Fb/?x=%20" || len(arrived.Header["X-One"]) != 2 {
		t.Error(arrived.Host, arrived.RequestURI, arrived.Header)
	}
	if arrived.Header.Get("X-Forwarded-Port") != "443" {
		t.Error("it could be taken for a call from inside")
	}
	for path, unit := range map[string]string{"/pets/1/toys/2": "", "/pets/1": "pets", "/petshop": "", "/": ""} {
		if found := servedBy(path); found != unit {
			t.Error(path, found)
		}
	}
}

func TestCallsAtOnceDoNotMixUp(t *testing.T) {
	container(t)
	var all sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		all.Add(1)
		go func(name string) {
			defer all.Done()
			if first, _, err := called(context.Background(), name, &owner{name}); first != name+" of "+name || err != nil {
				t.Error(first, err)
			}
		}(name)
	}
	all.Wait()
}
