// How many tokens something has. Needs no ledger and changes nothing.
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.TokenCounting.Prompts;

namespace Purser.Api.Endpoints;

static class TokenEndpoints
{
    /// <summary>Bodies above this take the processor for a while (a body of the largest size for a tenth of a second or more).</summary>
    const long Large = 64 * 1024;

    // Large ones wait for each other, so that whoever sends many does not take the processors away from the budgets.
    static readonly SemaphoreSlim large = new(Math.Max(1, Environment.ProcessorCount / 2));

    public static async Task Count(HttpContext http)
    {
        Query.None(http);
        var count = (await Body.ReadAsync(http, ApiJson.Default.TokenCountRequestDocument)).ToCount();
        await Reply.JsonAsync(http, 200, new TokenCountDocument(await Counted(http, count)), ApiJson.Default.TokenCountDocument);
    }

    static async ValueTask<TokenCount> Counted(HttpContext http, Func<TokenCount> count)
    {
        if (http.Request.ContentLength <= Large) return count();
        await large.WaitAsync(http.RequestAborted);
        try
        {
            return count();
        }
        finally
        {
            large.Release();
        }
    }
}
