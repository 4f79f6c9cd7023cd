// What a verification found.
using NodaTime;
using Purser.Engine;

namespace Purser.Api.Documents;

/// <param name="Account">The account.</param>
/// <param name="What">What does not agree.</param>
/// <param name="Remedy">What to do about it.</param>
public sealed record FindingDocument(string Account, string What, string Remedy);

/// <summary>How many accounts had their rollups made again; of `compacted` ones, usage before their checkpoints was taken as it is added up
/// there.</summary>
/// <param name="Accounts">How many accounts.</param>
/// <param name="Compacted">How many of them are compacted.</param>
public sealed record RebuildDocument(long Accounts, long Compacted);

/// <param name="Holds">Whether everything agrees.</param>
/// <param name="Accounts">How many accounts were looked at.</param>
/// <param name="Compacted">How many of them are compacted.</param>
/// <param name="Entries">How many entries of the journal.</param>
/// <param name="Records">How many records.</param>
/// <param name="Audited">How many entries of audit trails.</param>
/// <param name="Unlinked">How many of these are from before there was a chain of them.</param>
/// <param name="Erasing">How many accounts an erasure was being carried out in: their records and reports were not compared.</param>
/// <param name="SealedAt">When the seal was made that the trails were compared with; null where they were compared with none.</param>
/// <param name="FindingCount">How many things do not agree.</param>
/// <param name="Findings">The first of them.</param>
public sealed record VerificationDocument(
    bool Holds, long Accounts, long Compacted, long Entries, long Records, long Audited, long Unlinked, long Erasing,
    Instant? SealedAt, long FindingCount, IReadOnlyList<FindingDocument> Findings)
{
    public static VerificationDocument Of(VerificationReport report) => new(
        report.Holds, report.Accounts, report.Compacted, report.Entries, report.Records, report.Audited, report.Unlinked, report.Erasing,
        report.SealedAt, report.FindingCount,
        [.. report.Findings.Select(finding => new FindingDocument(finding.Account, finding.What, finding.Remedy))]);
}
