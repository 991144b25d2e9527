package aws

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"sort"
	"strings"
)

// What predicted bodies hold in the place of the two names that S3 makes up
// for every answer.
const (
	PlaceholderRequestID = "REQUESTID0000000"
	PlaceholderHostID    = "HOSTID"
)

// fieldOrder is the order in which S3 writes the elements that it adds to an
// error; others follow by name.
var fieldOrder = []string{
	"AWSAccessKeyId", "StringToSign", "SignatureProvided", "StringToSignBytes", "CanonicalRequest", "CanonicalRequestBytes",
	"BucketName", "Key", "Endpoint", "Bucket", "Region", "Token-0", "ArgumentName", "ArgumentValue",
	"RequestTime", "ServerTime", "MaxAllowedSkewMilliseconds",
}

// S3Body is the answer body of S3. resource is left out when it is empty, as
// S3 itself does with most codes.
func (e *Error) S3Body(resource, requestID, hostID string) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error>")
	element(&b, "Code", e.Code)
	element(&b, "Message", e.Message)
	for _, f := range e.fields() {
		element(&b, f, e.Fields[f])
	}
	if resource != "" {
		element(&b, "Resource", resource)
	}
	element(&b, "RequestId", requestID)
	element(&b, "HostId", hostID)
	b.WriteString("</Error>")
	return b.String()
}

func (e *Error) fields() []string {
	rank := map[string]int{}
	for i, f := range fieldOrder {
		rank[f] = i - len(fieldOrder)
	}
	var names []string
	for f := range e.Fields {
		if isXMLName(f) {
			names = append(names, f)
		}
	}
	sort.Slice(names, func(i, j int) bool {
		if rank[names[i]] != rank[names[j]] {
			return rank[names[i]] < rank[names[j]]
		}
		return names[i] < names[j]
	})
	return names
}

func isXMLName(s string) bool {
	for i, r := range s {
		letter := r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		if !letter && (i == 0 || r != '-' && (r < '0' || r > '9')) {
			return false
		}
	}
	return s != ""
}

// QueryBody is the answer body of a service with the Query protocol.
func (e *Error) QueryBody(namespace, requestID string) string {
	fault := "Sender"
	if e.Status >= 500 {
		fault = "Receiver"
	}
	return fmt.Sprintf("<ErrorResponse xmlns=\"%s\">\n  <Error>\n    <Type>%s</Type>\n    <Code>%s</Code>\n    <Message>%s</Message>\n  </Error>\n  <RequestId>%s</RequestId>\n</ErrorResponse>\n",
		escape(namespace), fault, escape(e.Code), escape(e.Message), escape(requestID))
}

func element(b *strings.Builder, name, text string) {
	b.WriteString("<" + name + ">" + escape(text) + "</" + name + ">")
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return strings.NewReplacer("&#34;", "&quot;", "&#39;", "'", "&#xA;", "\n").Replace(b.String())
}

// NewRequestID is a fresh request ID of a Query service: a UUID.
func NewRequestID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// NewS3RequestID is a fresh request ID of S3: 16 hexadecimal digits.
func NewS3RequestID() string {
	var u [8]byte
	rand.Read(u[:])
	return strings.ToUpper(hex.EncodeToString(u[:]))
}

// NewHostID is a fresh host ID of S3 (x-amz-id-2).
func NewHostID() string {
	var u [56]byte
	rand.Read(u[:])
	return base64.StdEncoding.EncodeToString(u[:])
}
