// Anthropic's protocol: messages. In streams the usage of the input comes first and that of the output last, each with what is known then.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Core;
using Purser.TokenCounting;

namespace Purser.Gate.Wire;

sealed class AnthropicProtocol : WireProtocol
{
    static readonly WireKind messages = new MessagesKind();

    public override WireKind? KindOf(string method, string path) =>
        method == "POST" && path.EndsWith("/messages", StringComparison.Ordinal) ? messages : null;

    public override string? WhyNot(string path) => path.Contains("/messages/batches", StringComparison.Ordinal)
        ? "a batch works for up to a day after its answer, and only its results say what each call used; let it pass by the route's "
            + "`passThrough`, and book what it used by POST /v1/accounts/{account}/usage" : null;

    public override (string Name, string Value) KeyHeader(string key) => ("x-api-key", key);

    // A billing error: its clients repeat 429 and 529, and stop at this one.
    public override int RefusalStatus => 402;

    public override void WriteError(Utf8JsonWriter json, int status, string message, WireError kind, Action<Utf8JsonWriter>? details,
        long? resetsAt)
    {
        json.WriteStartObject();
        json.WriteString("type", "error");
        json.WriteStartObject("error");
        json.WriteString("type", kind switch
        {
            WireError.Refused => "billing_error",
            WireError.Unauthorized => "authentication_error",
            WireError.Forbidden => "permission_error",
            WireError.NotFound => "not_found_error",
            WireError.Unavailable => "api_error",
            WireError.UnderWay => "conflict_error",
            _ => "invalid_request_error",
        });
        json.WriteString("message", message);
        if (resetsAt is { } at) json.WriteNumber("resets_at", at);
        details?.Invoke(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    sealed class MessagesKind : TextKind
    {
        protected override WireCall Read(JsonElement body)
        {
            if (WireJson.Text(body, "model") is not { Length: > 0 } model) throw new WireException("is needed", "model");
            var profile = ModelProfile.Of("anthropic", model);
            var tools = body.TryGetProperty("tools", out var defined) ? PromptSize.OfTools(profile, defined) : 0;
            long prompt = 3;
            foreach (var name in (string[])["system", "messages", "output_config", "output_format"])
                if (body.TryGetProperty(name, out var value))
                    prompt += PromptSize.Of(profile, value);
            return new()
            {
                Model = model,
                IsStream = WireJson.Flag(body, "stream"),
                InputTokens = prompt + tools,
                ToolTokens = tools,
                MaxOutputTokens = WireJson.Whole(body, "max_tokens"),
                Temperature = WireJson.Number(body, "temperature"),
                ServiceTier = WireJson.Text(body, "service_tier"),
                Speed = WireJson.Text(body, "speed"),
                // Where a model runs has a price of its own only where it is bound to a place.
                Region = WireJson.Text(body, "inference_geo") is ("us" or "eu") and var bound ? bound : null,
                MayBe = MayBe(body),
            };
        }

        /// <summary>What is to be kept may be written to the cache, whole and at the price of the longest life that is asked for.</summary>
        static UsageParts? MayBe(JsonElement body)
        {
            var (any, hour) = (false, false);
            foreach (var block in (IEnumerable<JsonElement>)[body, .. WireJson.Each(body, "tools"), .. WireJson.Each(body, "system"),
                .. WireJson.Each(body, "messages").SelectMany(message => WireJson.Each(message, "content"))])
            {
                if (block.ValueKind != JsonValueKind.Object || !block.TryGetProperty("cache_control", out var kept)
                    || kept.ValueKind != JsonValueKind.Object) continue;
                any = true;
                hour |= WireJson.Text(kept, "ttl") == "1h";
            }
            return any ? new() { CacheWrite1hTokens = WireCall.AllOf(hour), CacheWrite5mTokens = WireCall.AllOf(!hour) } : null;
        }

        public override void Change(JsonObject body, WireCall call, CallChanges changes)
        {
            if (changes.Model is { } model) body["model"] = model;
            if (changes.MaxOutputTokens is { } most)
            {
                body["max_tokens"] = most;
                // A budget for thinking has to be below the whole; the least that is taken is 1024.
                if (body["thinking"] is JsonObject thinking && thinking["budget_tokens"] is JsonValue budget
                    && budget.TryGetValue<long>(out var tokens) && tokens >= most)
                {
                    if (most > 1024) thinking["budget_tokens"] = Math.Max(1024, most / 2);
                    else body.Remove("thinking");
                }
            }
            if (changes.DisableTools) WireJson.Remove(body, "tools", "tool_choice");
            if (changes.Temperature is { } lower) body["temperature"] = lower;
        }

        public override WireAnswer NewAnswer() => new MessagesAnswer();
    }

    sealed class MessagesAnswer : TypedAnswer
    {
        JsonObject? usage;

        public override void TakeWhole(JsonElement answer) => TakeReport(answer, "content");

        protected override void Take(string? type, JsonElement told)
        {
            switch (type)
            {
                case "message_start" when Inner(told, "message") is { } message:
                    (Model, Id) = (WireJson.Text(message, "model"), WireJson.Text(message, "id"));
                    Merge(message);
                    break;
                case "content_block_delta" when Inner(told, "delta") is { } delta:
                    Generated(WireJson.Text(delta, "text") ?? WireJson.Text(delta, "partial_json") ?? WireJson.Text(delta, "thinking"));
                    break;
                case "message_delta":
                    Merge(told);
                    break;
                case "message_stop":
                    IsFinished = Usage is not null;
                    break;
            }
        }

        void Merge(JsonElement holder)
        {
            if (Inner(holder, "usage") is not { ValueKind: JsonValueKind.Object } told) return;
            Merge(usage ??= [], told);
            Usage = usage.ToJsonString();
        }

        /// <summary>Counts are cumulative: of what is told twice the larger holds, as gateways end with zeros for what came first. What is
        /// null says nothing.</summary>
        static void Merge(JsonObject known, JsonElement told)
        {
            foreach (var member in told.EnumerateObject())
                switch (member.Value.ValueKind)
                {
                    case JsonValueKind.Null:
                    case JsonValueKind.Number when known[member.Name] is JsonValue before && before.TryGetValue<decimal>(out var count)
                        && member.Value.TryGetDecimal(out var later) && later <= count:
                        break;
                    case JsonValueKind.Object:
                        if (known[member.Name] is not JsonObject inner) known[member.Name] = inner = [];
                        Merge(inner, member.Value);
                        break;
                    default:
                        known[member.Name] = JsonNode.Parse(member.Value.GetRawText(), documentOptions: WireJson.OfAnswers);
                        break;
                }
        }
    }
}
