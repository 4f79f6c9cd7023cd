// Reads the bodies of most calls in one pass, without a document in between: estimates and settlements of the usual members, in their plain
// form. Whatever else is there (another member, an escape, a null, a mistake) is left to the documents, which also say what is wrong.
using System.Text.Json;
using Purser.Core;

namespace Purser.Api.Json;

/// <summary>What a call says before it is made.</summary>
sealed record CallEstimate(string? Id, long? TtlSeconds, Estimate Estimate)
{
    /// <summary>The reservation that pays.</summary>
    public string? From { get; init; }

    public Check ToCheck()
    {
        TakesNone(From);
        return new(Estimate);
    }

    public Reserve ToReserve(RequestId identity) => new(identity.Id, Estimate, TtlSeconds) { FreshId = identity.Fresh, From = From };

    /// <summary>What only a new reservation may say.</summary>
    public static void TakesNone(string? from)
    {
        if (from is not null)
            throw RequestRefusedException.Invalid("from", "belongs to a new reservation: that one is paid out of the one it names");
    }
}

/// <summary>What a call says when it was made.</summary>
sealed record CallSettlement(string? Id, Usage Usage, bool Final, bool Unknown)
{
    public Settle ToSettle(string reservation, string? id)
    {
        var identity = (id ?? SettlementId.Of(reservation, Final, Unknown)) is { } known ? new(known, Fresh: false) : RequestId.Made();
        return new(reservation, identity.Id, Usage, Final, Unknown) { FreshId = identity.Fresh };
    }
}

static class QuickBodies
{
    /// <summary>The members that are read here; each has a bit, and may be there once.</summary>
    enum Member
    {
        Other, Id, TtlSeconds, Tokens, InputTokens, MaxOutputTokens, OutputTokens, DurationMs, CachedInputTokens, ReasoningTokens, Success,
        RequestId, Final, Orchestrator, User, Tenant, Session, Provider, Model, Tool, Tags,
    }

    const int Dimensional = ~0 << (int)Member.Orchestrator;
    const int OfEstimate = Dimensional | 1 << (int)Member.Id | 1 << (int)Member.TtlSeconds | 1 << (int)Member.Tokens
        | 1 << (int)Member.InputTokens | 1 << (int)Member.MaxOutputTokens;
    const int OfSettlement = Dimensional | 1 << (int)Member.Id | 1 << (int)Member.InputTokens | 1 << (int)Member.OutputTokens
        | 1 << (int)Member.DurationMs | 1 << (int)Member.CachedInputTokens | 1 << (int)Member.ReasoningTokens | 1 << (int)Member.Success
        | 1 << (int)Member.RequestId | 1 << (int)Member.Final;

    /// <summary>The values that were found.</summary>
    ref struct Found
    {
        public string? Id, RequestId, Orchestrator, User, Tenant, Session, Provider, Model, Tool;
        public long? TtlSeconds, Tokens, InputTokens, MaxOutputTokens, OutputTokens, DurationMs, CachedInputTokens, ReasoningTokens;
        public bool? Success, Final;
        public SortedDictionary<string, string>? Tags;

        public readonly Dimensions Dimensions =>
            (Orchestrator ?? User ?? Tenant ?? Session ?? Provider ?? Model ?? Tool) is null && Tags is null ? Dimensions.None : new()
            {
                Orchestrator = Orchestrator, User = User, Tenant = Tenant, Session = Session, Provider = Provider, Model = Model,
                Tool = Tool, Tags = Tags,
            };
    }

    /// <summary>Null where the document has to look at it.</summary>
    public static CallEstimate? Estimate(ReadOnlySpan<byte> json)
    {
        var found = default(Found);
        return !Read(json, OfEstimate, ref found) ? null : new(found.Id, found.TtlSeconds, new()
        {
            Dimensions = found.Dimensions, Tokens = found.Tokens, InputTokens = found.InputTokens, MaxOutputTokens = found.MaxOutputTokens,
        });
    }

    /// <summary>Null where the document has to look at it.</summary>
    public static CallSettlement? Settlement(ReadOnlySpan<byte> json)
    {
        var found = default(Found);
        if (!Read(json, OfSettlement, ref found)) return null;
        var (cached, reasoning) = (found.CachedInputTokens ?? 0, found.ReasoningTokens ?? 0);
        return new(found.Id, new()
        {
            Dimensions = found.Dimensions, InputTokens = found.InputTokens ?? 0, OutputTokens = found.OutputTokens ?? 0,
            Parts = (cached | reasoning) == 0 ? null : new() { CachedInputTokens = cached, ReasoningTokens = reasoning },
            Success = found.Success ?? true, DurationMs = found.DurationMs, RequestId = found.RequestId,
        }, found.Final ?? true, Unknown: false);
    }

    static bool Read(ReadOnlySpan<byte> json, int members, ref Found found)
    {
        var reader = new Utf8JsonReader(json);
        var seen = 0;
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueIsEscaped) return false;
                var member = MemberOf(reader.ValueSpan);
                var bit = 1 << (int)member;
                if ((members & bit) == 0 || (seen & bit) != 0) return false;
                seen |= bit;
                if (!reader.Read() || !Take(ref reader, member, ref found)) return false;
            }
            return reader.TokenType == JsonTokenType.EndObject && !reader.Read();
        }
        catch (Exception wrong) when (wrong is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    static Member MemberOf(ReadOnlySpan<byte> name)
    {
        switch (name.Length)
        {
            case 2 when name.SequenceEqual("id"u8): return Member.Id;
            case 4: return name.SequenceEqual("user"u8) ? Member.User : name.SequenceEqual("tool"u8) ? Member.Tool
                : name.SequenceEqual("tags"u8) ? Member.Tags : Member.Other;
            case 5: return name.SequenceEqual("model"u8) ? Member.Model : name.SequenceEqual("final"u8) ? Member.Final : Member.Other;
            case 6: return name.SequenceEqual("tokens"u8) ? Member.Tokens : name.SequenceEqual("tenant"u8) ? Member.Tenant : Member.Other;
            case 7: return name.SequenceEqual("session"u8) ? Member.Session
                : name.SequenceEqual("success"u8) ? Member.Success : Member.Other;
            case 8 when name.SequenceEqual("provider"u8): return Member.Provider;
            case 9 when name.SequenceEqual("requestId"u8): return Member.RequestId;
            case 10: return name.SequenceEqual("ttlSeconds"u8) ? Member.TtlSeconds
                : name.SequenceEqual("durationMs"u8) ? Member.DurationMs : Member.Other;
            case 11 when name.SequenceEqual("inputTokens"u8): return Member.InputTokens;
            case 12: return name.SequenceEqual("outputTokens"u8) ? Member.OutputTokens
                : name.SequenceEqual("orchestrator"u8) ? Member.Orchestrator : Member.Other;
            case 15: return name.SequenceEqual("maxOutputTokens"u8) ? Member.MaxOutputTokens
                : name.SequenceEqual("reasoningTokens"u8) ? Member.ReasoningTokens : Member.Other;
            case 17 when name.SequenceEqual("cachedInputTokens"u8): return Member.CachedInputTokens;
            default: return Member.Other;
        }
    }

    static bool Take(ref Utf8JsonReader reader, Member member, ref Found found) => member switch
    {
        Member.Id => Text(ref reader, out found.Id),
        Member.RequestId => Text(ref reader, out found.RequestId),
        Member.Orchestrator => Word(ref reader, out found.Orchestrator),
        Member.User => Word(ref reader, out found.User),
        Member.Tenant => Word(ref reader, out found.Tenant),
        Member.Session => Word(ref reader, out found.Session),
        Member.Provider => Word(ref reader, out found.Provider),
        Member.Model => Word(ref reader, out found.Model),
        Member.Tool => Word(ref reader, out found.Tool),
        Member.TtlSeconds => Whole(ref reader, out found.TtlSeconds),
        Member.Tokens => Whole(ref reader, out found.Tokens),
        Member.InputTokens => Whole(ref reader, out found.InputTokens),
        Member.MaxOutputTokens => Whole(ref reader, out found.MaxOutputTokens),
        Member.OutputTokens => Whole(ref reader, out found.OutputTokens),
        Member.DurationMs => Whole(ref reader, out found.DurationMs),
        Member.CachedInputTokens => Whole(ref reader, out found.CachedInputTokens),
        Member.ReasoningTokens => Whole(ref reader, out found.ReasoningTokens),
        Member.Success => Flag(ref reader, out found.Success),
        Member.Final => Flag(ref reader, out found.Final),
        Member.Tags => Tags(ref reader, out found.Tags),
        _ => false,
    };

    static bool Text(ref Utf8JsonReader reader, out string? value, bool isShared = false)
    {
        value = null;
        if (reader.TokenType != JsonTokenType.String || reader.ValueIsEscaped) return false;
        value = isShared ? SharedTexts.Of(ref reader) : reader.GetString();
        return true;
    }

    /// <summary>A text that other calls have too.</summary>
    static bool Word(ref Utf8JsonReader reader, out string? value) => Text(ref reader, out value, isShared: true);

    static bool Whole(ref Utf8JsonReader reader, out long? value)
    {
        value = null;
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var whole)) return false;
        value = whole;
        return true;
    }

    static bool Flag(ref Utf8JsonReader reader, out bool? value)
    {
        value = reader.TokenType switch { JsonTokenType.True => true, JsonTokenType.False => false, _ => null };
        return value is not null;
    }

    static bool Tags(ref Utf8JsonReader reader, out SortedDictionary<string, string>? tags)
    {
        tags = null;
        if (reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueIsEscaped) return false;
            var name = reader.GetString()!;
            if (!reader.Read() || !Text(ref reader, out var value) || !(tags ??= []).TryAdd(name, value!)) return false;
        }
        return reader.TokenType == JsonTokenType.EndObject;
    }
}
