// What a verification found.
using Purser.Engine;

namespace Purser.Api.Documents;

public sealed record FindingDocument(string Account, string What, string Remedy);

/// <summary>How many accounts had their rollups made again; of `compacted` ones, usage before their checkpoints was taken as it is added up
/// there.</summary>
public sealed record RebuildDocument(long Accounts, long Compacted);

public sealed record VerificationDocument(
    bool Holds, long Accounts, long Compacted, long Entries, long Records, long FindingCount, IReadOnlyList<FindingDocument> Findings)
{
    public static VerificationDocument Of(VerificationReport report) => new(
        report.Holds, report.Accounts, report.Compacted, report.Entries, report.Records, report.FindingCount,
        [.. report.Findings.Select(finding => new FindingDocument(finding.Account, finding.What, finding.Remedy))]);
}
