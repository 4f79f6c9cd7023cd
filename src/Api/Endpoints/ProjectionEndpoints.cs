// Projections of an account over HTTP.
using Purser.Answers;
using Purser.Api.Documents;
using Purser.Api.Json;

namespace Purser.Api.Endpoints;

sealed class ProjectionEndpoints(Projections projections)
{
    public static readonly IReadOnlyList<Parameter> Parameters = Paging.OfLimits;

    public async Task Project(HttpContext http)
    {
        var account = PathValue.Account(http);
        var (cursor, limit) = Paging.Of(new Query(http, Parameters));
        var projection = await projections.OfAsync(account, cursor, limit, http.RequestAborted);
        await Reply.JsonAsync(http, 200, new ProjectionDocument(projection), ApiJson.Default.ProjectionDocument);
    }
}
