package klotho_unit

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

var (
	suite = credentials{accessKey: "AKIDEXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	then  = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	ofS3  = credentials{accessKey: "AKIAIOSFODNN7EXAMPLE", secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	onS3  = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
)

func signed(request *http.Request) string {
	_, found := cut(request.Header.Get("Authorization"), "Signature=")
	return found
}

// AWS's own test suite: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-test-suite.html
func TestSignaturesAreThoseOfTheTestSuiteOfAws(t *testing.T) {
	for _, given := range []struct{ method, address, expected string }{
		{"GET", "https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"POST", "https://example.amazonaws.com/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{
			"GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
		},
	} {
		request, _ := http.NewRequest(given.method, given.address, nil)
		sign(request, hashOf(nil), "service", "us-east-1", suite, then)
		if signed(request) != given.expected {
			t.Errorf("%s %s: %s", given.method, given.address, signed(request))
		}
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestAnObjectIsReadWithTheSignatureOfTheDocumentation(t *testing.T) {
	request, _ := http.NewRequest("GET", "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	request.Header.Set("Range", "bytes=0-9")
	sign(request, hashOf(nil), "s3", "us-east-1", ofS3, onS3)
	if signed(request) != "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" {
		t.Error(signed(request))
	}
}

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func TestAnAddressIsPresignedWithTheSignatureOfTheDocumentation(t *testing.T) {
	address, _ := url.Parse("https://examplebucket.s3.amazonaws.com/test.txt")
	found := presign("GET", address, nil, "s3", "us-east-1", ofS3, 24*time.Hour, onS3)
	if !strings.HasSuffix(found, "=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404") {
		t.Error(found)
	}
}

// What botocore signs, which the test that starts this one writes down.
func TestSignaturesAreThoseOfBotocore(t *testing.T) {
	content, err := os.ReadFile("botocore.json")
	if err != nil {
		t.Fatal(err)
	}
	var requests []struct {
		Method, Address, Body, Service, Token, Authorization string
		Headers                                              map[string]string
		Now                                                  int64
	}
	if err := json.Unmarshal(content, &requests); err != nil || len(requests) == 0 {
		t.Fatal(err, len(requests))
	}
	for _, given := range requests {
		request, err := http.NewRequest(given.Method, given.Address, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range given.Headers {
			request.Header.Set(name, value)
		}
		keys := credentials{accessKey: "AKIA", secretKey: "secret/+", sessionToken: given.Token}
		sign(request, hashOf([]byte(given.Body)), given.Service, "eu-west-1", keys, time.Unix(given.Now, 0))
		if found := request.Header.Get("Authorization"); found != given.Authorization {
			t.Errorf("%s %s:\n%s\n%s", given.Method, given.Address, found, given.Authorization)
		}
	}
}
