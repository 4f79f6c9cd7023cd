// The budget that chat clients ask, answered by an authority without HTTP: in this process, or in the silos that it is a client of.
using System.Text.Json.Nodes;
using NodaTime;
using Purser.Client;
using Purser.Core;
using Purser.Engine;
using Purser.TokenCounting;
using Purser.TokenCounting.Prompts;
using Asked = Purser.Client.Estimate;
using Used = Purser.Client.Usage;

namespace Purser.InProcess;

/// <summary>What <see cref="IBudget"/> promises over HTTP, from an authority that is called by commands.</summary>
public sealed class AuthorityBudget(IBudgetAuthority authority, IUsageQueries queries, TimeProvider? time = null) : IBudget
{
    const int mostAttempts = 4;

    /// <summary>An authority that took longer over its answer has repeated, or waited, long enough by itself: that of a cluster gives up
    /// after 25 seconds or more.</summary>
    static readonly TimeSpan patience = TimeSpan.FromSeconds(5);

    readonly TimeProvider time = time ?? TimeProvider.System;

    public async Task<Client.Decision> CheckAsync(
        string account, Asked estimate, CancellationToken cancellationToken = default) =>
        Decided(await SendAsync(account, new Check(Questions.Of(WithoutPayer(estimate))), cancellationToken));

    public async Task<Client.Decision> ReserveAsync(
        string account, Asked estimate, CancellationToken cancellationToken = default) =>
        Decided(await SendAsync(account,
            new Reserve(IdOf(estimate.Id), Questions.Of(estimate), Seconds(estimate.Ttl))
            {
                FreshId = estimate.Id is null, From = estimate.From,
            },
            cancellationToken));

    public async Task<Client.Decision> ExtendAsync(
        string account, string reservation, Asked more, CancellationToken cancellationToken = default)
    {
        var estimate = Questions.Of(WithoutPayer(more));
        return Decided(await SendAsync(account,
            new Extend(reservation, IdOf(more.Id), Seconds(more.Ttl), estimate == nothing ? null : estimate) { FreshId = more.Id is null },
            cancellationToken));
    }

    static readonly Core.Estimate nothing = new();

    public async Task<Client.Settlement> SettleAsync(
        string account, string reservation, Client.Settle usage, CancellationToken cancellationToken = default)
    {
        var (unknown, final) = (usage.Outcome == "unknown", usage.Final ?? true);
        var id = usage.Id ?? SettlementId.Of(reservation, final, unknown);
        var outcome = await SendAsync(account,
            new Core.Settle(reservation, IdOf(id), await UsedAsync(account, reservation, usage), final, unknown)
            {
                FreshId = id is null,
            }, cancellationToken);
        return Answers.Of((Core.Settlement)outcome.Answer!);
    }

    /// <summary>A usage that nobody can book belongs to a call that was made: the hold is told so, and is charged when it runs
    /// out.</summary>
    async Task<Core.Usage> UsedAsync(string account, string reservation, Used usage)
    {
        var (used, problem) = Questions.Read(usage);
        if (used is not null) return used;
        var detail = Validity.Beginning(problem!.Detail ?? "", LongestDetail);
        RefuseOtherThanAccount(account);
        // Whoever gave up waiting made the call all the same.
        var told = await AskAsync(() => authority.SendAsync(account, new RefuseSettle(reservation, problem.Field, detail)));
        // What can not be written down now must be sent again: else the hold would go without being charged.
        throw Problems.Of(told.IsTransient ? told : problem);
    }

    const int LongestDetail = 500;

    public async Task<Reservation> ReleaseAsync(string account, string reservation, CancellationToken cancellationToken = default) =>
        Answers.Of((ReservationView)(await SendAsync(account, new Release(reservation), cancellationToken)).Answer!);

    public async Task<Client.Settlement> RecordUsageAsync(
        string account, Used usage, CancellationToken cancellationToken = default) => Answers.Of((Core.Settlement)(await SendAsync(
            account, new Record(IdOf(usage.Id), Questions.Of(usage)) { FreshId = usage.Id is null }, cancellationToken)).Answer!);

    /// <summary>Texts are counted as they are; messages and tools as the text of their JSON, which is a little more.</summary>
    public Task<Client.TokenCount> CountTokensAsync(TokenCountRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var model = (request.Encoding is { } encoding ? ModelProfile.OfEncoding(encoding) : null)
            ?? ModelProfile.Of(request.Provider, request.Model ?? "");
        var count = PromptCounting.Count(model, request.Text ?? $"{request.Messages?.ToJsonString()}{request.Tools?.ToJsonString()}");
        return Task.FromResult(new Client.TokenCount
        {
            Tokens = count.Tokens, Exact = count.IsExact && request.Text is not null, Method = count.Method,
                Parts = new() { Text = count.Tokens },
        });
    }

    public async Task<SessionTotals> CloseSessionAsync(
        string account, string session, CancellationToken cancellationToken = default)
    {
        await SendAsync(account, new CloseSession(session), cancellationToken);
        var found = await AskAsync(() => queries.SessionsAsync(account, session, null, 1, cancellationToken));
        return found.Items is [{ } use] ? Answers.Of(use) : new() { Session = session };
    }

    /// <summary>Once more with the same id where an answer of the ledger was lost, or the host is being changed; what was wrong is an
    /// exception.</summary>
    async Task<Outcome> SendAsync(string account, BudgetCommand command, CancellationToken cancellation)
    {
        RefuseOtherThanAccount(account);
        Fingerprints.FillForRepetition(command);
        var began = time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await AskAsync(() => authority.SendAsync(account, command, cancellation));
            if (!outcome.IsTransient || attempt == mostAttempts || time.GetElapsedTime(began) > patience)
                return outcome.Status is OutcomeStatus.Done or OutcomeStatus.Refused or OutcomeStatus.Paused
                    ? outcome : throw Problems.Of(outcome);
            command = Fingerprints.RepetitionOf(command);
        }
    }

    static void RefuseOtherThanAccount(string account)
    {
        if (!Validity.IsAccountId(account)) throw Problems.Of(Outcome.Invalid(
            "account", "must be 1 to 200 letters, digits and . _ - : @, and not only dots"));
    }

    static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (LedgerUnavailableException away)
        {
            throw new PurserException($"the ledger can not be reached: {away.Message}", away) { Status = 503 };
        }
    }

    static Client.Decision Decided(Outcome outcome) => outcome.Answer is Core.Decision decision
        ? Answers.Of(decision, outcome) : new() { Detail = outcome.Detail, Status = 429 };

    static Asked WithoutPayer(Asked estimate) => estimate?.From is null ? estimate! : throw Problems.Of(Outcome.Invalid("from",
        "belongs to a new reservation: that one is paid out of the one it names"));

    static string IdOf(string? id) => id ?? Guid.CreateVersion7().ToString("N");

    static long? Seconds(TimeSpan? time) => time is { } known ? (long)Math.Ceiling(known.TotalSeconds) : null;
}

/// <summary>Outcomes that are exceptions to callers, in the words of the HTTP service.</summary>
static class Problems
{
    public static PurserException Of(Outcome outcome)
    {
        var (status, word, title) = outcome.Status switch
        {
            OutcomeStatus.Unavailable or OutcomeStatus.Moved => (503, "unavailable", "Not available at the moment; try again with the same id"),
            OutcomeStatus.UnknownAccount => (404, "unknown-account", "There is no such account"),
            OutcomeStatus.Invalid => (400, "invalid", "The request is not valid"),
            OutcomeStatus.IdempotencyMismatch => (409, "idempotency-mismatch", "The id was used with another body"),
            OutcomeStatus.NotFound => (404, "not-found", "Not found"),
            OutcomeStatus.Conflict when outcome.Answer is ReservationView =>
                (409, "reservation-expired", "The reservation has run out: nothing is held"),
            OutcomeStatus.Conflict => (409, "conflict", "The state does not allow this"),
            OutcomeStatus.VersionMismatch => (412, "version-mismatch", "The version is another one"),
            OutcomeStatus.Unprocessable => (422, "unprocessable", "The request can not be decided"),
            _ => (500, "internal", "An error inside the service"),
        };
        var detail = outcome.Field is { } field ? $"{field}: {outcome.Detail ?? title}" : outcome.Detail ?? title;
        return new(detail)
        {
            Status = status,
            Problem = new() { Type = "urn:purser:problem:" + word, Title = title, Status = status, Detail = detail, Field = outcome.Field },
        };
    }
}

/// <summary>What callers ask, in the words of the rules.</summary>
static class Questions
{
    public static Core.Estimate Of(Asked asked)
    {
        ArgumentNullException.ThrowIfNull(asked);
        return new()
        {
            Dimensions = DimensionsOf(asked), Tokens = asked.Tokens, InputTokens = asked.InputTokens,
            MaxOutputTokens = asked.MaxOutputTokens, ToolTokens = asked.ToolTokens, Temperature = asked.Temperature,
            ServiceTier = asked.ServiceTier, Region = asked.Region, Speed = asked.Speed, CostNanos = Nanos(asked.Cost, "cost"),
            Parts = PartsOf(asked),
        };
    }

    public static Core.Usage Of(Used used)
    {
        var (usage, problem) = Read(used);
        return usage ?? throw Problems.Of(problem!);
    }

    public static (Core.Usage? Usage, Outcome? Problem) Read(Used used)
    {
        ArgumentNullException.ThrowIfNull(used);
        var (whole, problem) = GivenUsage.Total(used.InputTokens, used.OutputTokens, used.Tokens, used.TotalTokens);
        if (problem is not null) return (null, problem);
        if (NanosOf(used.Cost, "cost", out var cost) is { } wrong) return (null, wrong);
        var usage = new Core.Usage
        {
            Dimensions = DimensionsOf(used),
            Timestamp = used.Timestamp is { } at ? Instant.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()) : null,
            InputTokens = used.InputTokens ?? 0, OutputTokens = used.OutputTokens ?? 0, TotalTokens = whole, Parts = PartsOf(used),
            Requests = used.Requests ?? 1, ServiceTier = used.ServiceTier, Region = used.Region, Speed = used.Speed,
            Success = used.Success ?? true, Error = used.Error,
            DurationMs = used.Duration is { } took ? (long)Math.Ceiling(took.TotalMilliseconds) : null, RequestId = used.RequestId,
            Tools = used.Tools, ToolCallId = used.ToolCallId, CostNanos = cost, ReportedCost = used.ReportedCost,
            Metadata = used.Metadata?.ToJsonString(),
        };
        return used.Raw is not { } raw ? (usage, null)
            : GivenUsage.Reported(usage, raw.ToJsonString(), used.InputTokens, used.OutputTokens, used.Tokens, used.TotalTokens);
    }

    static Dimensions DimensionsOf(CallParts call) => new()
    {
        Orchestrator = call.Orchestrator, User = call.User, Tenant = call.Tenant, Session = call.Session, Provider = call.Provider,
        Model = call.Model, Tool = call.Tool,
        Tags = call.Tags is { Count: > 0 } tags ? new(tags.ToDictionary(), StringComparer.Ordinal) : null,
    };

    static readonly UsageParts none = new();

    static UsageParts? PartsOf(CallParts call)
    {
        var parts = new UsageParts
        {
            CachedInputTokens = call.CachedInputTokens ?? 0, CachedAudioInputTokens = call.CachedAudioInputTokens ?? 0,
            CachedImageInputTokens = call.CachedImageInputTokens ?? 0, CacheWrite5mTokens = call.CacheWrite5mTokens ?? 0,
            CacheWrite1hTokens = call.CacheWrite1hTokens ?? 0, AudioInputTokens = call.AudioInputTokens ?? 0,
            ImageInputTokens = call.ImageInputTokens ?? 0, VideoInputTokens = call.VideoInputTokens ?? 0,
            ReasoningTokens = call.ReasoningTokens ?? 0, AudioOutputTokens = call.AudioOutputTokens ?? 0,
            ImageOutputTokens = call.ImageOutputTokens ?? 0, VideoOutputTokens = call.VideoOutputTokens ?? 0,
            CitationTokens = call.CitationTokens ?? 0, Queries = call.Queries ?? 0, Sessions = call.Sessions ?? 0,
            ImagesIn = call.ImagesIn ?? 0, ImagesOut = call.ImagesOut ?? 0, CharactersIn = call.CharactersIn ?? 0,
            CharactersOut = call.CharactersOut ?? 0, AudioSecondsIn = call.AudioSecondsIn ?? 0,
            AudioSecondsOut = call.AudioSecondsOut ?? 0, VideoSecondsIn = call.VideoSecondsIn ?? 0,
            VideoSecondsOut = call.VideoSecondsOut ?? 0, Pages = call.Pages ?? 0, AnnotatedPages = call.AnnotatedPages ?? 0,
            WebSearches = call.WebSearches ?? 0, WebSearchContext = call.WebSearchContext,
        };
        return parts == none ? null : parts;
    }

    static long? Nanos(decimal? money, string field) =>
        NanosOf(money, field, out var nanos) is { } wrong ? throw Problems.Of(wrong) : nanos;

    static Outcome? NanosOf(decimal? money, string field, out long? nanos)
    {
        nanos = null;
        if (money is not { } given) return null;
        if (!Money.TryParse(given.ToString(System.Globalization.CultureInfo.InvariantCulture), out var exact))
            return Outcome.Invalid(field, "must have at most nine decimals, and be at most a billion units");
        nanos = exact;
        return null;
    }
}

/// <summary>What the rules answer, in the words of callers.</summary>
static class Answers
{
    public static Client.Decision Of(Core.Decision decision, Outcome outcome) => new()
    {
        Allowed = decision.Allowed,
        Reservation = decision.Reservation is { } held ? Of(held) : null,
        Limits = [.. decision.Limits.Select(Of)],
        BlockedBy = [.. decision.BlockedBy.Select(Of)],
        Suggestions = [.. decision.Suggestions.Select(Of)],
        Changes = decision.Changes is { } changes ? Of(changes) : null,
        Warnings = [.. decision.Warnings.Select(Of)],
        ShadowBlockedBy = decision.ShadowBlockedBy.Count == 0 ? null : [.. decision.ShadowBlockedBy.Select(Of)],
        PausedReason = decision.PausedReason,
        Detail = decision.Allowed ? null : outcome.Detail,
        Status = decision.Allowed ? null : 429,
    };

    public static Reservation Of(ReservationView held) => new()
    {
        Id = held.Id, Account = held.Account, Tokens = held.Tokens, Cost = Exactly(held.Cost), Currency = held.Currency,
        CreatedAt = held.CreatedAt.ToDateTimeOffset(), ExpiresAt = held.ExpiresAt.ToDateTimeOffset(),
        State = Enum.Parse<Client.ReservationState>(held.State.ToString()),
    };

    public static Client.Settlement Of(Core.Settlement settled) => new()
    {
        ReservationId = settled.ReservationId, UsageId = settled.UsageId, Tokens = settled.Tokens, Cost = Exactly(settled.Cost),
        Currency = settled.Currency, PriceVersion = settled.PriceVersion, Unpriced = settled.Unpriced, Late = settled.Late,
        Overrun = settled.Overrun, Limits = [.. settled.Limits.Select(Of)], ServiceTier = settled.ServiceTier,
        UnpricedParts = settled.UnpricedParts, ReportedCost = settled.ReportedCost is { } reported ? Exactly(reported) : null,
        Disputed = settled.Disputed, Unread = settled.Unread,
        Lines = settled.Lines is not { } lines ? null : [.. lines.Select(line => new SettlementLine
        {
            UsageId = line.Id, Provider = line.Provider, Model = line.Model, Tokens = line.Tokens, Cost = Money.ToDecimal(line.CostNanos),
            PriceVersion = line.PriceVersion, Unpriced = line.Unpriced,
        })],
    };

    public static SessionTotals Of(SessionUse use)
    {
        var (first, last) = (use.First.ToDateTimeOffset(), use.Last.At.ToDateTimeOffset());
        return new()
        {
            Session = use.Session,
            TotalInputTokens = Whole(sum => sum.InputTokens),
            TotalOutputTokens = Whole(sum => sum.OutputTokens),
            TotalTokens = Whole(sum => sum.InputTokens + sum.OutputTokens),
            TotalRequests = Whole(sum => sum.Requests),
            FailedRequests = Whole(sum => sum.FailedRequests),
            TotalCost = use.Sums.Sum(sum => Money.ToDecimal(sum.CostNanos)),
            Currency = use.Sums[0].Currency,
            StartedAt = first,
            LastUsedAt = last,
            Duration = last - first,
            User = use.Last.Usage.Dimensions.User,
            Metadata = use.Last.Usage.Metadata is { } metadata ? JsonNode.Parse(metadata)!.AsObject() : null,
        };

        Amount Whole(Func<UsageSum, Int128> of) => Amount.Whole((decimal)use.Sums.Aggregate(Int128.Zero, (sum, one) => sum + of(one)));
    }

    static Client.LimitView Of(Core.LimitView view) => new()
    {
        LimitId = view.LimitId, Unit = Of(view.Unit), Window = view.Window.ToString(), Key = view.Key, Amount = Of(view.Amount),
        Settled = Of(view.Settled), Held = Of(view.Held), Remaining = Of(view.Remaining), PercentUsed = view.PercentUsed,
        PercentCommitted = view.PercentCommitted, Status = view.Status, WindowStart = view.WindowStart?.ToDateTimeOffset(),
        ResetsAt = view.ResetsAt?.ToDateTimeOffset(), Enforcement = Enum.Parse<Client.Enforcement>(view.Enforcement.ToString()),
        CountedSince = view.CountedSince?.ToDateTimeOffset(),
    };

    static Client.Blocker Of(Core.Blocker blocker) => Client.Blocker.Of(Of(blocker.Limit)) with
    {
        Requested = Of(blocker.Requested),
        RetryAfter = blocker.RetryAfterSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
    };

    static Client.Suggestion Of(Core.Suggestion suggestion) => new()
    {
        Action = suggestion.Action, LimitId = suggestion.LimitId, MaxOutputTokens = suggestion.MaxOutputTokens,
        Provider = suggestion.Provider, Model = suggestion.Model, Cost = suggestion.Cost is { } cost ? Exactly(cost) : null,
        Wait = suggestion.Seconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Until = suggestion.Until?.ToDateTimeOffset(),
        Additional = Of(suggestion.Additional),
    };

    static Client.CallChanges Of(Core.CallChanges changes) => new()
    {
        Provider = changes.Provider, Model = changes.Model, MaxOutputTokens = changes.MaxOutputTokens, DisableTools = changes.DisableTools,
        Temperature = changes.Temperature, Measures = [.. changes.Measures.Select(measure => measures[(int)measure])],
            Saving = changes.Saving is { } saving ? Exactly(saving) : null,
    };

    /// <summary>In the order of <see cref="DegradationMeasure"/>.</summary>
    static readonly string[] measures = ["reduce_max_tokens", "use_smaller_model", "disable_tools", "reduce_temperature"];

    static Client.LimitUnit Of(Core.LimitUnit unit) => Enum.Parse<Client.LimitUnit>(unit.ToString());

    static Amount Of(Quantity quantity) => quantity.Unit == Core.LimitUnit.Cost
        ? Amount.Money(Money.ToDecimal(quantity.Value)) : Amount.Whole((decimal)quantity.Value);

    static Amount? Of(Quantity? quantity) => quantity is { } known ? Of(known) : null;

    static decimal Exactly(string money) => decimal.Parse(money, System.Globalization.CultureInfo.InvariantCulture);
}
