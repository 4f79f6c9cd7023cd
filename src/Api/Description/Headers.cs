// The headers that operations take and answer, and what they mean.
using System.Text.Json.Nodes;

namespace Purser.Api.Description;

static class Headers
{
    static readonly Dictionary<string, (string Text, JsonObject Schema)> sent = new()
    {
        ["Idempotency-Key"] = ("The id of what is asked for, where the body has none: the same id with the same body is answered as the "
            + "first time, with another body 409. In an array each item has this with `-` and its index.",
            new() { ["type"] = "string", ["minLength"] = 1, ["maxLength"] = 200 }),
        ["If-Match"] = ("Only if the version is this one, as an `ETag` told it: else 412. `*`: only if there is one.", Text()),
        ["If-None-Match"] =
            ("Reading: 304 without a body if the version is still this one. Writing: `*` does it only if there is none yet, "
            + "else 412.", Text()),
        ["traceparent"] = ("The trace that the request belongs to (W3C Trace Context): the log of the service names it.",
            new() { ["type"] = "string", ["pattern"] = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" }),
        ["Last-Event-ID"] = ("The position to go on after; stands above the parameter `after`.",
            new() { ["type"] = "string", ["pattern"] = @"^\d+$" }),
    };

    static readonly Dictionary<string, (string Text, JsonObject Schema)> answered = new()
    {
        ["ETag"] = ("The version, for `If-Match` and `If-None-Match`.", new() { ["type"] = "string", ["pattern"] = "^\"\\d+\"$" }),
        ["Location"] = ("Where what was made can be read.", new() { ["type"] = "string", ["format"] = "uri-reference" }),
        ["Retry-After"] = ("Seconds to wait. Only where waiting helps.", new() { ["type"] = "string", ["pattern"] = @"^\d+$" }),
        ["RateLimit"] =
            ("What is left of the key's quota (`r`); where nothing is, the seconds until something comes back (`t`). Only where "
            + "the key has one.", new() { ["type"] = "string", ["pattern"] = @"^""key"";r=\d+(;t=\d+)?$" }),
        ["RateLimit-Policy"] = ("The key's quota: `q` requests in `w` seconds. Only where it has one.",
            new() { ["type"] = "string", ["pattern"] = @"^""key"";q=\d+;w=\d+$" }),
        ["WWW-Authenticate"] = ("How to show a key.", new() { ["type"] = "string", ["const"] = "Bearer" }),
        ["Link"] = ("The page that tells what the problem means and what to do.", Text()),
    };

    static readonly string[] versioned = ["getPolicy", "putPolicy", "getDefaultPolicy", "putDefaultPolicy", "getGateRoutes",
        "putGateRoutes", "getTenant", "putTenant"];
    static readonly string[] located = ["reserve", "addOverride", "createKey", "createWebhook", "createAlertChannel"];

    static JsonObject Text() => new() { ["type"] = "string", ["minLength"] = 1 };

    public static JsonObject Sent(string name) => new()
    {
        ["name"] = name, ["in"] = "header", ["description"] = sent[name].Text, ["schema"] = sent[name].Schema.DeepClone(),
    };

    public static JsonObject Answered(string operation, int status)
    {
        var headers = new JsonObject();
        if (versioned.Contains(operation)) Add(headers, "ETag");
        if (status == 201 && located.Contains(operation)) Add(headers, "Location");
        return headers;
    }

    public static JsonObject Refused(int status)
    {
        var headers = new JsonObject();
        if (status is 429 or 503) Add(headers, "Retry-After");
        if (status == 401) Add(headers, "WWW-Authenticate");
        Add(headers, "Link");
        AddRates(headers);
        return headers;
    }

    public static void AddRates(JsonObject headers)
    {
        Add(headers, "RateLimit-Policy");
        Add(headers, "RateLimit");
    }

    static void Add(JsonObject headers, string name) => headers[name] = new JsonObject
    {
        ["description"] = answered[name].Text, ["schema"] = answered[name].Schema.DeepClone(),
    };
}
