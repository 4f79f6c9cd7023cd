// How a route says what it is: its operation, the right that it asks for, what it takes and what it answers.
using Purser.Api.Access;

namespace Purser.Api.Endpoints;

static class RouteNotes
{
    /// <summary>An operation for callers with a key, and the right that it asks for: without one nothing can be mapped.</summary>
    public static IEndpointConventionBuilder On(this IEndpointRouteBuilder routes, string method, string path, Right needed,
        RequestDelegate handler, string id, string summary) =>
        routes.Open(method, path, handler, id, summary).WithMetadata(new NeededRight(needed));

    /// <summary>An operation for everybody: health and the first page.</summary>
    public static IEndpointConventionBuilder Open(this IEndpointRouteBuilder routes, string method, string path, RequestDelegate handler,
        string id, string summary) =>
        routes.MapMethods(path, [method], handler).WithMetadata(new OperationNote(id, summary)).WithName(id);

    public static IEndpointConventionBuilder Takes<T>(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new BodyNote(typeof(T), Required: true));

    public static IEndpointConventionBuilder TakesMany<T>(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new BodyNote(typeof(T), Required: true, OrMany: true));

    public static IEndpointConventionBuilder TakesOptional<T>(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new BodyNote(typeof(T), Required: false));

    public static IEndpointConventionBuilder Takes(this IEndpointConventionBuilder endpoint, IReadOnlyList<Parameter> parameters) =>
        endpoint.WithMetadata(new ParametersNote(parameters));

    public static IEndpointConventionBuilder Answers<T>(this IEndpointConventionBuilder endpoint, int status = 200) =>
        endpoint.WithMetadata(new AnswerNote(status, typeof(T)));

    public static IEndpointConventionBuilder AnswersLines<TLine, TAnswer>(this IEndpointConventionBuilder endpoint) =>
        endpoint.WithMetadata(new LinesNote(typeof(TLine), typeof(TAnswer)));

    public static IEndpointConventionBuilder AnswersFile(this IEndpointConventionBuilder endpoint, string contentType) =>
        endpoint.WithMetadata(new FileNote(contentType));
}
