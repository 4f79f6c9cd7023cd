// The clock of this host: shown, and accepted as it is after a jump.
using Purser.Api.Access;
using Purser.Api.Documents;
using Purser.Api.Json;
using Purser.Engine;

namespace Purser.Api.Endpoints;

sealed class ClockEndpoints(LedgerClock clock)
{
    const int LongestReason = 1000;

    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        await Reply.JsonAsync(http, 200, await ClockDocument.OfAsync(clock), ApiJson.Default.ClockDocument);
    }

    public async Task Accept(HttpContext http)
    {
        _ = new Query(http, []);
        var asked = await Body.ReadOptionalAsync(http, ApiJson.Default.AcceptClockDocument);
        if (asked?.Reason is { Length: > LongestReason })
            throw RequestRefusedException.Invalid("reason", $"must have at most {LongestReason} characters");
        await clock.AcceptAsync(Caller.Of(http).Name, asked?.Reason);
        await Reply.JsonAsync(http, 200, await ClockDocument.OfAsync(clock), ApiJson.Default.ClockDocument);
    }
}
