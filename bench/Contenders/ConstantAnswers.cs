// What the server costs without Purser: it reads each body, looks at nothing and answers a constant of the size that Purser's answer has.
using Microsoft.AspNetCore.Http;

namespace Purser.Bench;

static class ConstantAnswers
{
    public const string Command = "constant-answers";

    static readonly byte[] decision = """
        {"allowed":true,"reservation":{"id":"call-000000012345","account":"account-01234","tokens":400,"cost":"0.000105","currency":"USD","createdAt":"2026-11-28T12:00:00.1234567Z","expiresAt":"2026-11-28T12:15:00.1234567Z","state":"active"},"limits":[{"limitId":"hourly","unit":"tokens","window":"hour","key":null,"amount":1000000000000000,"settled":35000,"held":400,"remaining":999999999964600,"percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-11-28T12:00:00Z","resetsAt":"2026-11-28T13:00:00Z","enforcement":"hard"},{"limitId":"monthly","unit":"tokens","window":"month","key":null,"amount":1000000000000000,"settled":35000,"held":400,"remaining":999999999964600,"percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-11-01T00:00:00Z","resetsAt":"2026-12-01T00:00:00Z","enforcement":"hard"}],"blockedBy":[],"suggestions":[],"changes":null,"warnings":[]}
        """u8.ToArray();

    static readonly byte[] settlement = """
        {"reservationId":"call-000000012345","usageId":"call-000000012345","tokens":350,"cost":"0.0000795","currency":"USD","priceVersion":"openai/gpt-4o-mini@2024-07-18","unpriced":false,"late":false,"overrun":false,"limits":[{"limitId":"hourly","unit":"tokens","window":"hour","key":null,"amount":1000000000000000,"settled":35350,"held":0,"remaining":999999999964650,"percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-11-28T12:00:00Z","resetsAt":"2026-11-28T13:00:00Z","enforcement":"hard"},{"limitId":"monthly","unit":"tokens","window":"month","key":null,"amount":1000000000000000,"settled":35350,"held":0,"remaining":999999999964650,"percentUsed":0,"percentCommitted":0,"status":"healthy","windowStart":"2026-11-01T00:00:00Z","resetsAt":"2026-12-01T00:00:00Z","enforcement":"hard"}]}
        """u8.ToArray();

    public static async Task AnswerAsync(HttpContext http)
    {
        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync();
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted) break;
        }
        var isHold = http.Request.Path.Value!.EndsWith("/reservations", StringComparison.Ordinal);
        http.Response.StatusCode = isHold ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        var answer = isHold ? decision : settlement;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = answer.Length;
        await http.Response.BodyWriter.WriteAsync(answer);
    }
}
