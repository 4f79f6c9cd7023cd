// Ways to keep a budget, as the table of the field asks them: may this call be made, and then, what did it use.
namespace Purser.Bench;

/// <summary>
/// Keeps limits of tokens for accounts. Between <see cref="AdmitAsync"/> and <see cref="BookAsync"/> the call is made, so what was admitted
/// is spent whatever becomes of the contender.
/// </summary>
interface IFieldContender : IAsyncDisposable
{
    Task LimitAsync(string account, long tokens);

    /// <summary>Whether a call of so many tokens may be made; asked again under the same id where nobody answered.</summary>
    Task<bool> AdmitAsync(int caller, string account, string id, long tokens);

    /// <summary>Books what the call used; asked again under the same id where nobody answered.</summary>
    Task BookAsync(int caller, string account, string id, long tokens);

    /// <summary>What it counts against the limit: spent, or held.</summary>
    Task<long> CountedAsync(string account);

    /// <summary>kill -9 of every process that counts, at once.</summary>
    Task KillAsync();

    Task StartAgainAsync();
}
