// OpenAI's protocol, which many others speak too: completions, responses, embeddings; pictures and sound are in OpenAIMedia.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Core;
using Purser.TokenCounting;

namespace Purser.Gate.Wire;

sealed class OpenAIProtocol : WireProtocol
{
    static readonly (string Path, WireKind Kind)[] kinds =
    [
        ("/chat/completions", new ChatKind(isChat: true)), ("/completions", new ChatKind(isChat: false)),
        ("/responses", new ResponsesKind()), ("/responses/compact", new ResponsesKind()), ("/embeddings", new EmbeddingsKind()),
        ("/images/generations", new ImagesKind(takesForms: false)), ("/images/edits", new ImagesKind(takesForms: true)),
        ("/images/variations", new ImagesKind(takesForms: true)), ("/audio/transcriptions", new TranscriptionKind()),
        ("/audio/translations", new TranscriptionKind()), ("/audio/speech", new SpeechKind()),
    ];

    public override WireKind? KindOf(string method, string path)
    {
        if (method != "POST") return null;
        foreach (var (end, kind) in kinds)
            if (path.EndsWith(end, StringComparison.Ordinal))
                return kind;
        return null;
    }

    public override string? WhyNot(string path)
    {
        const string record = "let it pass by the route's `passThrough`, and book what it used by POST /v1/accounts/{account}/usage";
        foreach (var part in path.Split('/'))
            switch (part)
            {
                case "batches":
                    return "a batch works for up to a day after its answer, and only the file that it leaves says what each line used; "
                        + record;
                case "realtime":
                    return "the usage of a realtime session is told inside of a WebSocket, which the gate does not read; " + record;
                case "videos":
                    return "a video is made after its answer, and no report says what it used; " + record;
                case "assistants" or "threads" or "fine_tuning":
                    return "what runs after its answer can be neither held nor settled on this connection; " + record;
            }
        return null;
    }

    public override (string Name, string Value) KeyHeader(string key) => ("Authorization", $"Bearer {key}");

    // With `insufficient_quota` and `x-should-retry: false`: its clients show it and stop.
    public override int RefusalStatus => 429;

    public override void WriteError(Utf8JsonWriter json, int status, string message, WireError kind, Action<Utf8JsonWriter>? details,
        long? resetsAt)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", message);
        json.WriteString("type", kind switch
        {
            WireError.Refused => "usage_limit_reached",
            WireError.Unauthorized => "authentication_error",
            WireError.Forbidden => "permission_error",
            WireError.Unavailable => "server_error",
            WireError.UnderWay => "idempotency_error",
            _ => "invalid_request_error",
        });
        json.WriteNull("param");
        if (kind == WireError.Refused) json.WriteString("code", "insufficient_quota");
        else json.WriteNull("code");
        if (resetsAt is { } at) json.WriteNumber("resets_at", at);
        details?.Invoke(json);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>`tools` and what chooses among them.</summary>
    static void WithoutTools(JsonObject body) => WireJson.Remove(body, "tools", "tool_choice", "parallel_tool_calls", "functions",
        "function_call");

    static string ModelOf(JsonElement body) =>
        WireJson.Text(body, "model") is { Length: > 0 } model ? model : throw new WireException("is needed", "model");

    static long Sum(ModelProfile model, JsonElement body, params ReadOnlySpan<string> names)
    {
        long sum = 0;
        foreach (var name in names)
            if (body.TryGetProperty(name, out var value))
                sum += PromptSize.Of(model, value);
        return sum;
    }

    static long Tools(ModelProfile model, JsonElement body)
    {
        long sum = 0;
        foreach (var name in (string[])["tools", "functions"])
            if (body.TryGetProperty(name, out var value))
                sum += PromptSize.OfTools(model, value);
        return sum;
    }

    /// <summary>Chat completions, and the completions of a text before them.</summary>
    sealed class ChatKind(bool isChat) : TextKind
    {
        /// <summary>Output tokens of a completion that does not name its most.</summary>
        const long UsualOutput = 16;

        protected override WireCall Read(JsonElement body)
        {
            var model = ModelOf(body);
            var profile = ModelProfile.Of("openai", model);
            var tools = Tools(profile, body);
            var stream = WireJson.Flag(body, "stream");
            return new()
            {
                Model = model,
                IsStream = stream,
                InputTokens = Sum(profile, body, "messages", "prompt", "suffix", "response_format", "prediction") + tools + 3,
                ToolTokens = tools,
                MaxOutputTokens = WireJson.Whole(body, "max_completion_tokens") ?? WireJson.Whole(body, "max_tokens")
                    ?? (isChat ? null : UsualOutput),
                // Several prompts are answered each.
                Outputs = (int)Math.Clamp(Math.Max(WireJson.Whole(body, "n") ?? 1, WireJson.Whole(body, "best_of") ?? 1) * Prompts(body),
                    1, Validity.MostAnswers),
                Temperature = WireJson.Number(body, "temperature"),
                ServiceTier = WireJson.Text(body, "service_tier"),
                MayBe = new()
                {
                    AudioInputTokens = WireCall.AllOf(WireJson.Each(body, "messages")
                        .SelectMany(message => WireJson.Each(message, "content"))
                        .Any(part => WireJson.Text(part, "type") == "input_audio")),
                    AudioOutputTokens = WireCall.AllOf(WireJson.Has(body, "modalities", "audio")),
                    ImageOutputTokens = WireCall.AllOf(WireJson.Has(body, "modalities", "image")),
                },
                WebSearchContext = body.TryGetProperty("web_search_options", out var searches)
                    && WireJson.Text(searches, "search_context_size") is "low" or "medium" or "high"
                        ? WireJson.Text(searches, "search_context_size") : null,
                MustAskForUsage = stream && !(body.TryGetProperty("stream_options", out var options)
                    && options.ValueKind == JsonValueKind.Object && WireJson.Flag(options, "include_usage")),
            };
        }

        public override void Change(JsonObject body, WireCall call, CallChanges changes)
        {
            if (changes.Model is { } model) body["model"] = model;
            if (changes.MaxOutputTokens is { } most)
            {
                var each = Math.Max(1, most / call.Outputs);
                if (!isChat || (body.ContainsKey("max_tokens") && !body.ContainsKey("max_completion_tokens"))) body["max_tokens"] = each;
                else body["max_completion_tokens"] = each;
            }
            if (changes.DisableTools) WithoutTools(body);
            if (changes.Temperature is { } lower) body["temperature"] = lower;
        }

        static long Prompts(JsonElement body) => body.TryGetProperty("prompt", out var prompt) && prompt.ValueKind == JsonValueKind.Array
            && prompt.GetArrayLength() is > 0 and var count
            && prompt[0].ValueKind is JsonValueKind.String or JsonValueKind.Array ? count : 1;

        public override void AskForUsage(JsonObject body)
        {
            if (body["stream_options"] is JsonObject options) options["include_usage"] = true;
            else body["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        public override WireAnswer NewAnswer() => new ChatAnswer();
    }

    sealed class ChatAnswer : WireAnswer
    {
        /// <summary>These models search once for every answer.</summary>
        public override long WebSearches => Model?.Contains("-search-preview", StringComparison.Ordinal) == true
            || Model?.Contains("-search-api", StringComparison.Ordinal) == true ? 1 : 0;

        public override void TakeWhole(JsonElement answer) => TakeReport(answer, "choices");

        public override bool TakeEvent(ReadOnlySpan<byte> data)
        {
            // `[DONE]` is no JSON, and says nothing that a finish reason does not say.
            using var document = WireEvents.Parse(data);
            if (document is null) return false;
            var chunk = document.RootElement;
            if (Inner(chunk, "error") is { } error) Error = error.GetRawText();
            Model ??= WireJson.Text(chunk, "model");
            Id ??= WireJson.Text(chunk, "id");
            ServiceTier = WireJson.Text(chunk, "service_tier") ?? ServiceTier;
            var usage = Inner(chunk, "usage");
            if (usage is { ValueKind: JsonValueKind.Object }) Usage = usage.Value.GetRawText();
            var choices = Inner(chunk, "choices");
            if (choices is not { ValueKind: JsonValueKind.Array } list) return false;
            foreach (var choice in list.EnumerateArray())
            {
                if (Inner(choice, "delta") is { } delta) TextsOf(delta, Generated);
                else Generated(WireJson.Text(choice, "text"));
                if (Inner(choice, "finish_reason") is not null) IsFinished = true;
            }
            return usage is not null && list.GetArrayLength() == 0;
        }
    }

    sealed class ResponsesKind : TextKind
    {
        protected override WireCall Read(JsonElement body)
        {
            if (WireJson.Flag(body, "background"))
                throw new WireException("background responses are not metered by the gate: leave it out, or reserve and settle by the API",
                    "background");
            var model = ModelOf(body);
            var profile = ModelProfile.Of("openai", model);
            var tools = Tools(profile, body);
            return new()
            {
                Model = model,
                IsStream = WireJson.Flag(body, "stream"),
                InputTokens = Sum(profile, body, "input", "instructions", "text") + tools + 3,
                ToolTokens = tools,
                MaxOutputTokens = WireJson.Whole(body, "max_output_tokens"),
                Temperature = WireJson.Number(body, "temperature"),
                ServiceTier = WireJson.Text(body, "service_tier"),
                ImageModel = ImageTool.ModelOf(body),
                Lines = ImageTool.Most(body) is { } picture ? [picture] : null,
            };
        }

        public override void Change(JsonObject body, WireCall call, CallChanges changes)
        {
            if (changes.Model is { } model) body["model"] = model;
            if (changes.MaxOutputTokens is { } most) body["max_output_tokens"] = most;
            if (changes.DisableTools) WithoutTools(body);
            if (changes.Temperature is { } lower) body["temperature"] = lower;
        }

        public override WireAnswer NewAnswer() => new ResponsesAnswer();
    }

    sealed class ResponsesAnswer : TypedAnswer
    {
        long searches;
        int pictures;
        string? imageModel, imageUsage;

        public override long WebSearches => searches;

        public override ToolPictures? Pictures => pictures > 0 || imageUsage is not null ? new(imageModel, imageUsage, pictures) : null;

        public override void TakeWhole(JsonElement answer)
        {
            TakeReport(answer, "output");
            searches = CountOf(answer, IsSearch);
            TakePictures(answer);
            if (WireJson.Text(answer, "status") == "failed") Error = WhyFailed(answer);
        }

        static string WhyFailed(JsonElement response) => Inner(response, "error")?.GetRawText() ?? "the response failed";

        static int CountOf(JsonElement response, Func<JsonElement, bool> isOne) => WireJson.Each(response, "output").Count(isOne);

        static bool IsPicture(JsonElement item) => WireJson.Text(item, "type") == "image_generation_call";

        /// <summary>Answers of calls that made none have the same report, full of zeros.</summary>
        void TakePictures(JsonElement response)
        {
            imageModel = ImageTool.ModelOf(response) ?? imageModel;
            pictures = Math.Max(pictures, CountOf(response, IsPicture));
            if (Inner(response, "tool_usage") is { } used && Inner(used, "image_gen") is { } told && HasCount(told))
                imageUsage = told.GetRawText();
        }

        static bool HasCount(JsonElement told) => told.ValueKind switch
        {
            JsonValueKind.Number => !(told.TryGetDecimal(out var count) && count == 0),
            JsonValueKind.Object => told.EnumerateObject().Any(member => HasCount(member.Value)),
            _ => false,
        };

        /// <summary>Pages that are opened and looked through are the same tool, and cost nothing.</summary>
        static bool IsSearch(JsonElement item) => WireJson.Text(item, "type") == "web_search_call"
            && (Inner(item, "action") is not { } action || WireJson.Text(action, "type") is null or "search");

        protected override void Take(string? type, JsonElement told)
        {
            if (type == "response.output_item.done" && Inner(told, "item") is { } item && IsSearch(item)) searches++;
            if (type == "response.output_item.added" && Inner(told, "item") is { } begun && IsPicture(begun)) pictures++;
            if (Inner(told, "delta") is { ValueKind: JsonValueKind.String } delta) Generated(delta.GetString());
            // A failure may come without the response that failed.
            var response = Inner(told, "response") ?? told;
            Model = WireJson.Text(response, "model") ?? Model;
            Id = WireJson.Text(response, "id") ?? Id;
            ServiceTier = WireJson.Text(response, "service_tier") ?? ServiceTier;
            if (Inner(told, "response") is not null) TakePictures(response);
            if (type is not ("response.completed" or "response.incomplete" or "response.failed" or "response.cancelled")) return;
            // The end is the end, whether it tells a usage or not.
            IsFinished = true;
            Usage = Inner(response, "usage")?.GetRawText() ?? Usage;
            searches = Math.Max(searches, CountOf(response, IsSearch));
            if (type == "response.failed") Error = WhyFailed(response);
            // What was not said on the way stands in the whole, which closes the stream.
            if (Usage is null && GeneratedCharacters == 0 && Inner(response, "output") is { } output) TextsOf(output, Generated);
        }
    }

    sealed class EmbeddingsKind : TextKind
    {
        protected override WireCall Read(JsonElement body)
        {
            var model = ModelOf(body);
            var profile = ModelProfile.Of("openai", model);
            return new() { Model = model, InputTokens = Sum(profile, body, "input"), MaxOutputTokens = 0 };
        }

        public override void Change(JsonObject body, WireCall call, CallChanges changes)
        {
            if (changes.Model is { } model) body["model"] = model;
        }

        public override WireAnswer NewAnswer() => new EmbeddingsAnswer();
    }

    sealed class EmbeddingsAnswer : WireAnswer
    {
        public override void TakeWhole(JsonElement answer) => TakeReport(answer, generated: null);

        public override bool TakeEvent(ReadOnlySpan<byte> data) => false;
    }
}
