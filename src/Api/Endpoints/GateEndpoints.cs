// The routes of the gate, as they are and as they are set. The gate itself is below /gate.
using System.Globalization;
using Purser.Api.Documents;
using Purser.Api.Events;
using Purser.Api.Json;
using Purser.Core;
using Purser.Gate;

namespace Purser.Api.Endpoints;

sealed class GateEndpoints(RouteTable table, Trail? trail)
{
    public async Task Get(HttpContext http)
    {
        _ = new Query(http, []);
        var (version, routes) = await table.AllAsync();
        await AnswerAsync(http, version, routes);
    }

    /// <summary>Routes over the built-in ones, as a whole: checked, or refused with the member named.</summary>
    public async Task Put(HttpContext http)
    {
        var asked = (await Body.ReadAsync(http, ApiJson.Default.GateRoutesDocument)).ToRoutes();
        _ = new Query(http, []);
        if (table.Options.ProblemOfSet(asked) is var (field, detail)) throw RequestRefusedException.Invalid(field, detail);
        var wanted = Precondition.Of(http.Request);
        if (wanted.CanNotHold || await table.SetAsync(asked, wanted.Version) is not { } before)
            throw new RequestRefusedException(new(OutcomeStatus.VersionMismatch, null, "If-Match",
                "the routes do not have this version; read them again"));
        if (trail is not null)
            await trail.ChangedAsync(http, "gate-routes.changed", "gate-routes", Shown(before.Routes), Shown(asked.Routes),
                ApiJson.Default.GateRoutesDocument);
        var (version, routes) = await table.AllAsync();
        await AnswerAsync(http, version, routes);
    }

    Task AnswerAsync(HttpContext http, long version, IReadOnlyList<GateRoute> routes)
    {
        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");
        return Reply.JsonAsync(http, 200, Shown(routes), ApiJson.Default.GateRoutesDocument);
    }

    GateRoutesDocument Shown(IReadOnlyList<GateRoute> routes) =>
        new() { Routes = [.. routes.Select(route => new GateRouteDocument(route, table.Options))] };
}
