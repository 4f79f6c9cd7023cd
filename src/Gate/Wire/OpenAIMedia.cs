// What of OpenAI's protocol is not paid by what is written: pictures, sound written down, speech. Prices decide the unit; what an answer
// reports is booked, and where it reports nothing, what is known of the call.
using System.Text.Json;
using System.Text.Json.Nodes;
using Purser.Core;
using Purser.TokenCounting;

namespace Purser.Gate.Wire;

/// <summary>Calls that can be made as they are or not at all: half a picture is none.</summary>
abstract class MediaKind : WireKind
{
    public override bool CanBeChanged => false;

    public override WireCall Read(WireRequest asked) => asked.Form is { } form ? Read(form, asked.Rates) : Read(asked.Json, asked.Rates);

    protected virtual WireCall Read(JsonElement body, ModelRates rates) => throw new WireException("must be a form", "Content-Type");

    protected virtual WireCall Read(WireForm form, ModelRates rates) => throw new WireException("must be JSON", "Content-Type");

    public override void Change(JsonObject body, WireCall call, CallChanges changes)
    {
    }
}

/// <summary>Pictures by what is said (`/images/generations`), or out of others (`/images/edits`, `/images/variations`).</summary>
sealed class ImagesKind(bool takesForms) : MediaKind
{
    /// <summary>The model of a call that names none.</summary>
    const string UsualModel = "dall-e-2";

    /// <summary>Tokens that a picture takes beside those of its size, where it is sent to be changed and its details are kept.</summary>
    const long HighFidelityTokens = 6240;

    /// <summary>Each picture that is shown before it is done.</summary>
    const long PartialTokens = 100;

    public override bool TakesForms => takesForms;

    protected override WireCall Read(JsonElement body, ModelRates rates)
    {
        var model = WireJson.Text(body, "model") ?? UsualModel;
        var prompt = body.TryGetProperty("prompt", out var said) ? PromptSize.Of(ModelProfile.Of("openai", model), said) : 0;
        // Pictures that are named by an address or an id.
        long pictures = 0;
        foreach (var name in (string[])["images", "image", "mask"])
            if (body.TryGetProperty(name, out var given))
                pictures += Math.Max(1, given.ValueKind == JsonValueKind.Array ? given.GetArrayLength() : 1);
        return Of(rates, model, WireJson.Whole(body, "n"), WireJson.Text(body, "size"), WireJson.Text(body, "quality"),
            WireJson.Flag(body, "stream"), WireJson.Whole(body, "partial_images"), prompt, pictures * HighFidelityTokens);
    }

    protected override WireCall Read(WireForm form, ModelRates rates)
    {
        var model = form.Text("model") ?? UsualModel;
        var profile = ModelProfile.Of("openai", model);
        long pictures = 0;
        foreach (var file in form.Files)
            pictures += PromptSize.Image(profile, file.Head.Span) + (form.Text("input_fidelity") == "high" ? HighFidelityTokens : 0);
        return Of(rates, model, form.Whole("n"), form.Text("size"), form.Text("quality"), form.Flag("stream"), form.Whole("partial_images"),
            form.Text("prompt") is { } prompt ? PromptSize.Text(profile, prompt) : 0, pictures);
    }

    static WireCall Of(ModelRates rates, string model, long? n, string? size, string? quality, bool stream, long? shown, long prompt,
        long pictures)
    {
        var count = Math.Clamp(n ?? 1, 1, 1000);
        var named = PricedAs(rates, model, size, quality);
        if (rates.Has(named, RateKind.PerImageOutput) && !rates.Has(model, RateKind.ImageOutput))
            return new()
            {
                Model = model, PricedAs = named, IsStream = stream, MaxOutputTokens = 0, Parts = new() { ImagesOut = count },
            };
        var output = count * TokensOf(size, quality, shown);
        return new()
        {
            Model = model, IsStream = stream, InputTokens = prompt + pictures + 3, MaxOutputTokens = output,
            Parts = new() { ImageInputTokens = pictures, ImageOutputTokens = output },
        };
    }

    /// <summary>Prices by the picture stand under the quality and the size that was asked for: `hd/1024-x-1792/dall-e-3`.</summary>
    static string PricedAs(ModelRates rates, string model, string? size, string? quality)
    {
        var by = (size is null or "auto" ? "1024x1024" : size).Replace("x", "-x-", StringComparison.Ordinal);
        var at = quality is null or "auto" ? "standard" : quality;
        string[] names = [$"{at}/{by}/{model}", $"{by}/{model}"];
        return Array.Find(names, rates.Knows) ?? model;
    }

    /// <summary>Tokens of a picture, as OpenAI lists them, with those that show it before it is done; the most where nothing was
    /// said.</summary>
    public static long TokensOf(string? size, string? quality, long? shown)
    {
        var most = Amounts.LargestTokens / 1000 / (PartialTokens * 100);
        var done = (quality, size) switch
        {
            ("low", "1024x1024") => 272,
            ("low", _) => 408,
            ("medium", "1024x1024") => 1056,
            ("medium", _) => 1584,
            (_, "1024x1024") => 4160,
            _ => 6240,
        };
        return done + PartialTokens * Math.Clamp(shown ?? 0, 0, most);
    }

    public override WireAnswer NewAnswer() => new ImagesAnswer();

    sealed class ImagesAnswer : TypedAnswer
    {
        JsonObject? sum;

        public override void TakeWhole(JsonElement answer)
        {
            TakeReport(answer, generated: null);
            if (IsFinished || Inner(answer, "data") is not { ValueKind: JsonValueKind.Array } made) return;
            // Without a report the pictures themselves are the count.
            Counted = new() { ImagesOut = made.GetArrayLength() };
            IsFinished = true;
        }

        protected override void Take(string? type, JsonElement told)
        {
            // Of several pictures each tells its own usage.
            if (type is not ("image_generation.completed" or "image_edit.completed") || Inner(told, "usage")
                is not { ValueKind: JsonValueKind.Object } usage) return;
            var one = JsonNode.Parse(usage.GetRawText(), documentOptions: WireJson.OfAnswers)!.AsObject();
            if (sum is null) sum = one;
            else Add(sum, one);
            Usage = sum.ToJsonString();
            IsFinished = true;
        }

        static void Add(JsonObject sum, JsonObject more)
        {
            foreach (var (name, value) in more)
                if (sum[name] is JsonObject inner && value is JsonObject other) Add(inner, other);
                else if (sum[name] is JsonValue before && value is JsonValue after && before.TryGetValue<long>(out var first)
                    && after.TryGetValue<long>(out var second)) sum[name] = first + second;
        }
    }
}

/// <summary>Sound that is written down, in its own language or in English.</summary>
sealed class TranscriptionKind : MediaKind
{
    public override bool TakesForms => true;

    public override bool TakesJson => false;

    protected override WireCall Read(WireForm form, ModelRates rates)
    {
        var model = form.Text("model") ?? throw new WireException("is needed", "model");
        var profile = ModelProfile.Of("openai", model);
        var seconds = form.Files.Sum(file => SoundLength.Seconds(file.Head.Span, file.Length));
        if (rates.Has(model, RateKind.PerAudioSecondInput))
            return new() { Model = model, MaxOutputTokens = 0, Parts = new() { AudioSecondsIn = decimal.Ceiling(seconds) } };
        var sound = PromptSize.Sound(profile, seconds);
        return new()
        {
            Model = model, IsStream = form.Flag("stream"),
            InputTokens = sound + (form.Text("prompt") is { } prompt ? PromptSize.Text(profile, prompt) : 0) + 3,
            Parts = new() { AudioInputTokens = sound },
        };
    }

    public override WireAnswer NewAnswer() => new TranscriptionAnswer();

    sealed class TranscriptionAnswer : TypedAnswer
    {
        /// <summary>`response_format` text, srt and vtt.</summary>
        public override bool MayBeUnread => true;

        public override void TakeWhole(JsonElement answer)
        {
            TakeReport(answer, "text");
            // What some who speak this protocol tell in place of a report, and what the verbose form of others has.
            if (IsFinished || Inner(answer, "duration") is not { ValueKind: JsonValueKind.Number } duration
                || !duration.TryGetDecimal(out var seconds) || seconds is < 0 or > 1_000_000) return;
            Counted = new() { AudioSecondsIn = decimal.Ceiling(seconds) };
            IsFinished = true;
        }

        protected override void Take(string? type, JsonElement told)
        {
            if (type == "transcript.text.delta") Generated(WireJson.Text(told, "delta"));
            if (type != "transcript.text.done") return;
            Usage = Inner(told, "usage")?.GetRawText();
            IsFinished = Usage is not null;
        }
    }
}

/// <summary>Speech: paid by the characters that are spoken, or by tokens of text and of sound.</summary>
sealed class SpeechKind : MediaKind
{
    /// <summary>Tokens of sound for what is said: 20 a second, in which some 15 letters are spoken, or 4 signs of a script without letters.
    /// </summary>
    const decimal TokensPerLetter = 1.5m, TokensPerSign = 5.5m;

    const int FirstSign = 0x2E80;

    protected override WireCall Read(JsonElement body, ModelRates rates)
    {
        var model = WireJson.Text(body, "model") is { Length: > 0 } named ? named : throw new WireException("is needed", "model");
        var input = WireJson.Text(body, "input") ?? throw new WireException("must be a text", "input");
        if (rates.Has(model, RateKind.PerCharacterInput))
        {
            // Known before the call, and paid whatever becomes of the answer.
            var characters = new UsageParts { CharactersIn = input.EnumerateRunes().Count() };
            return new() { Model = model, MaxOutputTokens = 0, Parts = characters, IsKnown = true };
        }
        var profile = ModelProfile.Of("openai", model);
        var tokens = input.EnumerateRunes().Sum(rune => rune.Value < FirstSign ? TokensPerLetter : TokensPerSign);
        var sound = (long)decimal.Ceiling(tokens);
        var prompt = PromptSize.Text(profile, input) + (WireJson.Text(body, "instructions") is { } how ? PromptSize.Text(profile, how) : 0)
            + 3;
        return new()
        {
            Model = model, IsStream = WireJson.Text(body, "stream_format") == "sse", InputTokens = prompt, MaxOutputTokens = sound,
            Parts = new() { AudioOutputTokens = sound },
        };
    }

    public override WireAnswer NewAnswer() => new SpeechAnswer();

    sealed class SpeechAnswer : TypedAnswer
    {
        /// <summary>Sound reports nothing.</summary>
        public override bool MayBeUnread => true;

        public override void TakeWhole(JsonElement answer) => TakeReport(answer, generated: null);

        protected override void Take(string? type, JsonElement told)
        {
            if (type != "speech.audio.done") return;
            Usage = Inner(told, "usage")?.GetRawText();
            IsFinished = true;
        }
    }
}
