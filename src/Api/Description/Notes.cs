// What stands beside a route for its description: its name, what it takes, what it answers.
namespace Purser.Api;

sealed record OperationNote(string Id, string Summary);

sealed record BodyNote(Type Type, bool Required, bool OrMany = false);

sealed record ParametersNote(IReadOnlyList<Parameter> Parameters);

sealed record AnswerNote(int Status, Type Type);

/// <summary>Body and answer are streams of JSON lines.</summary>
sealed record LinesNote(Type Line, Type Answer);

/// <summary>The answer is a file, streamed.</summary>
sealed record FileNote(string ContentType);
