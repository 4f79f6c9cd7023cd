// Google's protocol: generateContent, streamed or whole, and embeddings. The model stands in the path; every chunk tells the usage so far.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Core;
using Purser.TokenCounting;

namespace Purser.Gate.Wire;

sealed class GeminiProtocol : WireProtocol
{
    public override WireKind? KindOf(string method, string path)
    {
        if (method != "POST" || path.LastIndexOf("/models/", StringComparison.Ordinal) is not (>= 0 and var at)) return null;
        var rest = path[(at + "/models/".Length)..];
        if (rest.LastIndexOf(':') is not (> 0 and var colon)) return null;
        var model = Uri.UnescapeDataString(rest[..colon]);
        return rest[(colon + 1)..] switch
        {
            "generateContent" => new ContentKind(model, isStream: false),
            "streamGenerateContent" => new ContentKind(model, isStream: true),
            "embedContent" or "batchEmbedContents" => new EmbedKind(model),
            _ => null,
        };
    }

    public override string? WhyNot(string path) => path.EndsWith(":predict", StringComparison.Ordinal)
        || path.EndsWith(":predictLongRunning", StringComparison.Ordinal) || path.Contains("batchGenerateContent", StringComparison.Ordinal)
        ? "its answer tells no usage, or comes long after it; let it pass by the route's `passThrough`, and book what it used by "
            + "POST /v1/accounts/{account}/usage" : null;

    public override (string Name, string Value) KeyHeader(string key) => ("x-goog-api-key", key);

    // Its clients repeat 429.
    public override int RefusalStatus => 402;

    public override void WriteError(Utf8JsonWriter json, int status, string message, WireError kind, Action<Utf8JsonWriter>? details,
        long? resetsAt)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteNumber("code", status);
        json.WriteString("message", message);
        json.WriteString("status", kind switch
        {
            WireError.Refused => "RESOURCE_EXHAUSTED",
            WireError.Unauthorized => "UNAUTHENTICATED",
            WireError.Forbidden => "PERMISSION_DENIED",
            WireError.NotFound => "NOT_FOUND",
            WireError.Unavailable => "UNAVAILABLE",
            WireError.UnderWay => "ABORTED",
            _ => "INVALID_ARGUMENT",
        });
        if (resetsAt is { } at) json.WriteNumber("resets_at", at);
        details?.Invoke(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    sealed class ContentKind(string model, bool isStream) : TextKind
    {
        protected override WireCall Read(JsonElement body)
        {
            var profile = ModelProfile.Of("google", model);
            var tools = body.TryGetProperty("tools", out var defined) ? PromptSize.OfTools(profile, defined) : 0;
            var settings = Settings(body);
            long prompt = 3;
            foreach (var name in (string[])["systemInstruction", "system_instruction", "contents"])
                if (body.TryGetProperty(name, out var value))
                    prompt += PromptSize.Of(profile, value);
            foreach (var name in (string[])["responseSchema", "response_schema", "responseJsonSchema", "response_json_schema"])
                if (settings is { } said && said.TryGetProperty(name, out var schema) && schema.ValueKind == JsonValueKind.Object)
                    prompt += PromptSize.Json(profile, schema);
            return new()
            {
                Model = model,
                IsStream = isStream,
                InputTokens = prompt + tools,
                ToolTokens = tools,
                MaxOutputTokens = settings is { } given ? WireJson.Whole(given, "maxOutputTokens")
                    ?? WireJson.Whole(given, "max_output_tokens") : null,
                Outputs = (int)Math.Clamp(settings is { } several ? WireJson.Whole(several, "candidateCount") ?? 1 : 1, 1, 1000),
                Temperature = settings is { } chosen ? WireJson.Number(chosen, "temperature") : null,
                ServiceTier = WireJson.Text(body, "service_tier") ?? WireJson.Text(body, "serviceTier"),
                MayBe = new()
                {
                    AudioInputTokens = WireCall.AllOf(WireJson.Each(body, "contents")
                        .SelectMany(content => WireJson.Each(content, "parts")).Any(IsSound)),
                    ImageOutputTokens = WireCall.AllOf(MayAnswer(settings, "IMAGE")),
                    AudioOutputTokens = WireCall.AllOf(MayAnswer(settings, "AUDIO")),
                },
            };
        }

        static bool IsSound(JsonElement part) => part.ValueKind == JsonValueKind.Object && part.EnumerateObject().Any(data =>
            data.Name is "inlineData" or "inline_data" or "fileData" or "file_data"
                && (WireJson.Text(data.Value, "mimeType") ?? WireJson.Text(data.Value, "mime_type"))
                    ?.StartsWith("audio/", StringComparison.Ordinal) == true);

        /// <summary>Models that can answer by pictures or sound do so by themselves.</summary>
        static bool MayAnswer(JsonElement? settings, string kind)
        {
            if (settings is not { } given) return true;
            string[] names = ["responseModalities", "response_modalities"];
            return names.Any(name => WireJson.Has(given, name, kind)) || !names.Any(name => WireJson.Each(given, name).Any());
        }

        static JsonElement? Settings(JsonElement body) =>
            (body.TryGetProperty("generationConfig", out var settings) || body.TryGetProperty("generation_config", out settings))
                && settings.ValueKind == JsonValueKind.Object ? settings : null;

        public override void Change(JsonObject body, WireCall call, CallChanges changes)
        {
            if (changes.DisableTools) WireJson.Remove(body, "tools", "toolConfig", "tool_config");
            if (changes is { MaxOutputTokens: null, Temperature: null }) return;
            var name = body.ContainsKey("generation_config") ? "generation_config" : "generationConfig";
            if (body[name] is not JsonObject settings) body[name] = settings = [];
            if (changes.MaxOutputTokens is { } most)
                settings[settings.ContainsKey("max_output_tokens") ? "max_output_tokens" : "maxOutputTokens"] =
                    Math.Max(1, most / call.Outputs);
            if (changes.Temperature is { } lower) settings["temperature"] = lower;
        }

        public override string PathOf(string path, CallChanges? changes) => changes?.Model is { } other
            ? string.Concat(path.AsSpan(0, path.LastIndexOf("/models/", StringComparison.Ordinal) + "/models/".Length),
                Uri.EscapeDataString(other), path.AsSpan(path.LastIndexOf(':'))) : path;

        public override WireAnswer NewAnswer() => new ContentAnswer();
    }

    sealed class ContentAnswer : WireAnswer
    {
        HashSet<string>? queries;

        /// <summary>From its third generation on Gemini is paid for each query, before that for each answer that rests on any.</summary>
        public override long WebSearches => queries is null ? 0
            : ModelGeneration.Of(Model ?? "", "gemini-") >= 3 ? queries.Count : 1;

        public override void TakeWhole(JsonElement answer)
        {
            // A stream that is not asked for as events is one array of the same chunks.
            if (answer.ValueKind == JsonValueKind.Array)
                foreach (var chunk in answer.EnumerateArray()) Take(chunk);
            else
                Take(answer);
        }

        public override bool TakeEvent(ReadOnlySpan<byte> data)
        {
            using var document = WireEvents.Parse(data);
            if (document is not null) Take(document.RootElement);
            return false;
        }

        void Take(JsonElement chunk)
        {
            if (Inner(chunk, "error") is { } error) Error = error.GetRawText();
            if (Inner(chunk, "usageMetadata") is { } usage)
            {
                Usage = usage.GetRawText();
                // A call of a dearer tier that has no room is served at the standard one.
                ServiceTier = WireJson.Text(usage, "serviceTier") ?? WireJson.Text(usage, "trafficType") ?? ServiceTier;
            }
            Model = WireJson.Text(chunk, "modelVersion") ?? Model;
            Id = WireJson.Text(chunk, "responseId") ?? Id;
            // A prompt that is refused has no candidate, and is the whole answer.
            if (Inner(chunk, "promptFeedback") is { } feedback && Inner(feedback, "blockReason") is not null)
                IsFinished = Usage is not null;
            if (Inner(chunk, "candidates") is not { ValueKind: JsonValueKind.Array } candidates) return;
            foreach (var candidate in candidates.EnumerateArray())
            {
                if (Inner(candidate, "content") is { } content) TextsOf(content, Generated);
                if (Inner(candidate, "finishReason") is not null) IsFinished = Usage is not null;
                if (Inner(candidate, "groundingMetadata") is { } ground
                    && Inner(ground, "webSearchQueries") is { ValueKind: JsonValueKind.Array } asked)
                    foreach (var query in asked.EnumerateArray())
                        if (query.ValueKind == JsonValueKind.String && query.GetString() is { Length: > 0 } words)
                            (queries ??= []).Add(words);
            }
        }
    }

    sealed class EmbedKind(string model) : TextKind
    {
        protected override WireCall Read(JsonElement body) =>
            new() { Model = model, InputTokens = PromptSize.Of(ModelProfile.Of("google", model), body), MaxOutputTokens = 0 };

        public override void Change(JsonObject body, WireCall call, CallChanges changes)
        {
        }

        public override WireAnswer NewAnswer() => new EmbedAnswer();
    }

    /// <summary>Embeddings tell no usage where they are older: what was counted here is booked then.</summary>
    sealed class EmbedAnswer : WireAnswer
    {
        public override void TakeWhole(JsonElement answer)
        {
            Usage = Inner(answer, "usageMetadata")?.GetRawText();
            IsFinished = true;
        }

        public override bool TakeEvent(ReadOnlySpan<byte> data) => false;
    }
}
