// What a policy would have refused, degraded and let through of the calls that were made.
using System.ComponentModel.DataAnnotations;
using NodaTime;
using Purser.Answers;
using Purser.Core;

namespace Purser.Api.Documents;

/// <summary>A policy that is tried on the calls of a past time. It is not kept.</summary>
public sealed class PolicyTrialDocument
{
    internal const int UsualCalls = 100;
    internal const int MostCalls = 1000;

    /// <summary>The policy as a whole, as it would be put.</summary>
    [Required]
    public PolicyDocument? Policy { get; set; }

    /// <summary>The first instant whose calls are looked at; seven days before `to` if not said, and at most 31 days before it.</summary>
    public Instant? From { get; set; }

    /// <summary>The instant before which they end; now if not said.</summary>
    public Instant? To { get; set; }

    /// <summary>How many of the calls of which something else is decided are told one by one: 0 to 1000, 100 if not said.</summary>
    [Range(0, MostCalls)]
    public long? Limit { get; set; }
}

/// <summary>How many calls, and what they asked for.</summary>
public sealed class PreviewSumDocument
{
    internal PreviewSumDocument(PreviewSum sum)
    {
        Calls = sum.Calls;
        Tokens = (long)Int128.Min(sum.Tokens, long.MaxValue);
        Cost = Money.Format(sum.CostNanos);
    }

    /// <summary>Calls.</summary>
    public long Calls { get; }

    /// <summary>Tokens, input and output together.</summary>
    public long Tokens { get; }

    /// <summary>Money.</summary>
    [DataType("money")]
    public string Cost { get; }
}

/// <summary>What is decided about all calls under one policy.</summary>
public sealed class PreviewVerdictsDocument
{
    internal PreviewVerdictsDocument(IReadOnlyList<PreviewSum> sums)
    {
        Admitted = new(sums[(int)PreviewVerdict.Admitted]);
        Degraded = new(sums[(int)PreviewVerdict.Degraded]);
        Refused = new(sums[(int)PreviewVerdict.Refused]);
    }

    /// <summary>Calls that are let through as they were asked for.</summary>
    public PreviewSumDocument Admitted { get; }

    /// <summary>Calls that are let through once they are changed.</summary>
    public PreviewSumDocument Degraded { get; }

    /// <summary>Calls that are refused.</summary>
    public PreviewSumDocument Refused { get; }
}

/// <summary>The calls of one limit, model or user, and those of them of which something else is decided.</summary>
public class PreviewRowDocument
{
    internal PreviewRowDocument(PreviewRow row)
    {
        Key = row.Key;
        All = new(row.All);
        Refused = new(row.Refused);
        Degraded = new(row.Degraded);
        LetThrough = new(row.LetThrough);
    }

    /// <summary>The limit, the model or the user; null for calls that name none.</summary>
    public string? Key { get; }

    /// <summary>All calls of it.</summary>
    public PreviewSumDocument All { get; }

    /// <summary>Refused by the policy that is tried, and not by the one in force.</summary>
    public PreviewSumDocument Refused { get; }

    /// <summary>Let through as they were asked for by the policy in force, and changed by the one that is tried.</summary>
    public PreviewSumDocument Degraded { get; }

    /// <summary>Refused or changed by the policy in force, and refused or changed less by the one that is tried.</summary>
    public PreviewSumDocument LetThrough { get; }
}

/// <summary>A call of which something else is decided.</summary>
public sealed class PreviewCallDocument
{
    internal PreviewCallDocument(PreviewedCall call)
    {
        Id = call.Id;
        Kind = WordOf(call.Kind);
        At = call.At;
        Change = call.Change switch
        {
            PreviewChange.Refused => "refused", PreviewChange.Degraded => "degraded", _ => "letThrough",
        };
        User = call.Dimensions.User;
        Session = call.Dimensions.Session;
        Provider = call.Dimensions.Provider;
        Model = call.Dimensions.Model;
        Tokens = call.Amounts.Tokens;
        Cost = Money.Format(call.Amounts.CostNanos);
        Before = WordOf(call.Before.Verdict);
        After = WordOf(call.After.Verdict);
        Limits = [.. call.Before.Limits.Union(call.After.Limits)];
        Reason = call.After.Reason;
        Changes = call.After.Changes is { } changes ? new(changes) : null;
    }

    static string WordOf(PreviewedKind kind) => kind switch
    {
        PreviewedKind.Hold => "reservation", PreviewedKind.Extension => "extension", _ => "usage",
    };

    static string WordOf(PreviewVerdict verdict) => verdict switch
    {
        PreviewVerdict.Admitted => "admitted", PreviewVerdict.Degraded => "degraded", _ => "refused",
    };

    /// <summary>The reservation, or the usage that was booked without one.</summary>
    public string Id { get; }

    /// <summary>What it was: a reservation, its extension, or usage that was booked without a reservation.</summary>
    [AllowedValues("reservation", "extension", "usage")]
    public string Kind { get; }

    /// <summary>When it was.</summary>
    public Instant At { get; }

    /// <summary>What becomes of it: newly refused, newly degraded, or let through.</summary>
    [AllowedValues("refused", "degraded", "letThrough")]
    public string Change { get; }

    /// <summary>The user.</summary>
    public string? User { get; }

    /// <summary>The session.</summary>
    public string? Session { get; }

    /// <summary>The provider.</summary>
    public string? Provider { get; }

    /// <summary>The model.</summary>
    public string? Model { get; }

    /// <summary>The tokens that it asked for.</summary>
    public long Tokens { get; }

    /// <summary>The money that it asked for.</summary>
    [DataType("money")]
    public string Cost { get; }

    /// <summary>What is decided about it under the policy in force.</summary>
    [AllowedValues("admitted", "degraded", "refused")]
    public string Before { get; }

    /// <summary>What is decided about it under the policy that is tried.</summary>
    [AllowedValues("admitted", "degraded", "refused")]
    public string After { get; }

    /// <summary>The limits that refuse it, under either policy.</summary>
    public IReadOnlyList<string> Limits { get; }

    /// <summary>Why the policy that is tried refuses it.</summary>
    public string? Reason { get; }

    /// <summary>How the policy that is tried changes it.</summary>
    public ChangesDocument? Changes { get; }
}

/// <summary>The calls of a past time, decided again under the policy in force and under another one. Nothing of it is kept.</summary>
public sealed class PolicyPreviewDocument : PreviewRowDocument
{
    internal PolicyPreviewDocument(PolicyPreviewAnswer preview) : base(preview.Sum)
    {
        Account = preview.Account;
        From = preview.From;
        To = preview.To;
        Complete = preview.IsComplete;
        CountedSince = preview.CountedSince;
        Currency = preview.Currency;
        Before = new(preview.Before);
        After = new(preview.After);
        Limits = [.. preview.Limits.Select(row => new PreviewRowDocument(row))];
        Models = [.. preview.Models.Select(row => new PreviewRowDocument(row))];
        Users = [.. preview.Users.Select(row => new PreviewRowDocument(row))];
        Items = [.. preview.Calls.Select(call => new PreviewCallDocument(call))];
    }

    /// <summary>The account.</summary>
    public string Account { get; }

    /// <summary>The first instant whose calls were looked at.</summary>
    public Instant From { get; }

    /// <summary>The instant before which they end.</summary>
    public Instant To { get; }

    /// <summary>False where more happened than is looked at at once: then `from` and `to` are closer together than was asked for.</summary>
    public bool Complete { get; }

    /// <summary>Since when it is known what was used before `from`, where a window reaches back further; else null.</summary>
    public Instant? CountedSince { get; }

    /// <summary>The currency of the money in it: three letters.</summary>
    public string Currency { get; }

    /// <summary>What is decided under the policy in force.</summary>
    public PreviewVerdictsDocument Before { get; }

    /// <summary>What is decided under the policy that is tried.</summary>
    public PreviewVerdictsDocument After { get; }

    /// <summary>By the limits that refuse calls, at most 50; a call counts under each of them.</summary>
    public IReadOnlyList<PreviewRowDocument> Limits { get; }

    /// <summary>By model, at most 50.</summary>
    public IReadOnlyList<PreviewRowDocument> Models { get; }

    /// <summary>By user, at most 50.</summary>
    public IReadOnlyList<PreviewRowDocument> Users { get; }

    /// <summary>The calls of which something else is decided, the first ones.</summary>
    public IReadOnlyList<PreviewCallDocument> Items { get; }
}
