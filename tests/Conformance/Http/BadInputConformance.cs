// Whatever is sent: it is refused by name, nothing happens to any budget, and nothing of the inside shows.
using System.Net.Http.Headers;
using System.Text;

namespace Purser.Conformance.Http;

public abstract class BadInputConformance(HttpFacade host)
{
    static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    /// <summary>Sends and expects a 4xx that changed nothing: no command reached a budget, or the budget refused it.</summary>
    async Task Refused(Func<string, string> path, HttpContent content, int status, string slug, string? field, bool reachesBudget = false)
    {
        var account = host.NewAccount();
        var before = host.Asked;
        var reply = await host.Send(HttpMethod.Post, path(account), content);
        reply.IsProblem(status, slug, field);
        if (!reachesBudget) Assert.Equal(before, host.Asked);
        Assert.Equal(404, (await host.Get($"/v1/accounts/{account}/policy")).Code);
    }

    [Theory]
    [InlineData("""{"colour":"red","tokens":"1","user":5,"tags":{"a":1,"b":"x","c":2},"model":"m"}""", "colour,tokens,user,tags.a,tags.c")]
    [InlineData("""{"tokens":1,"tokens":2,"cost":0.5}""", "tokens,cost")]
    [InlineData("""{"tokens":true}""", "tokens")]
    public async Task The_first_answer_names_every_member_that_is_wrong(string body, string fields)
    {
        var reply = await host.Post($"/v1/accounts/{host.NewAccount()}/reservations", body);
        reply.IsProblem(400, "invalid", fields.Split(',')[0]);
        Assert.Equal(fields, Named(reply));
        Assert.All(reply.Json.GetProperty("errors").EnumerateArray(), error => Assert.NotEmpty(error.GetProperty("problem").GetString()!));
    }

    [Fact]
    public async Task Parameters_that_an_operation_does_not_have_are_refused_where_it_takes_a_body_too()
    {
        var account = host.NewAccount();
        (await host.Post($"/v1/accounts/{account}/usage?colour=red", """{"inputTokens":1}""")).IsProblem(400, "invalid", "colour");
        (await host.Post($"/v1/accounts/{account}/pause?reason=x")).IsProblem(400, "invalid", "reason");
    }

    [Fact]
    public async Task Every_wrong_member_of_nested_objects_and_every_wrong_parameter_is_named()
    {
        var policy = await host.Put($"/v1/accounts/{host.NewAccount()}/policy",
            """{"limits":[{"id":"a","unit":"pints","window":"day","amount":1},{"id":7,"unit":"tokens","window":"eon","amount":1}],"timeZone":1}""");
        policy.IsProblem(400, "invalid", "limits[0].unit");
        Assert.Equal("limits[0].unit,limits[1].id,limits[1].window,timeZone", Named(policy));
        var query = await host.Get("/v1/reports?from=yesterday&to=9999-12-31&colour=red&limit=many&timeZone=Mars/Olympus");
        query.IsProblem(400, "invalid", "colour");
        Assert.Equal(["colour", "from", "limit", "timeZone", "to"], Named(query).Split(',').Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("check", """{"tokens":1}""")]
    [InlineData("reservations", """{"tokens":1}""")]
    [InlineData("reservations/h/settle", """{"inputTokens":1}""")]
    [InlineData("reservations/h/extend", """{"ttlSeconds":60}""")]
    [InlineData("reservations/h/release", null)]
    [InlineData("usage", """{"inputTokens":1}""")]
    [InlineData("overrides", """{"limitId":"a","additional":1,"reason":"r","createdBy":"c","expiresAt":"2027-01-01T00:00:00Z"}""")]
    [InlineData("pause", null)]
    [InlineData("resume", null)]
    [InlineData("sessions/s/close", null)]
    [InlineData("/v1/tokens/count", """{"model":"gpt-4o","text":"a"}""")]
    public async Task A_parameter_that_an_operation_does_not_take_is_refused(string operation, string? body)
    {
        var path = operation[0] == '/' ? operation : $"/v1/accounts/{host.NewAccount()}/{operation}";
        (await host.Post(path + "?colour=red", body)).IsProblem(400, "invalid", "colour");
    }

    static string Named(Reply reply) =>
        string.Join(',', reply.Json.GetProperty("errors").EnumerateArray().Select(error => error.GetProperty("field").GetString()));

    [Theory]
    [InlineData("/v1/prices/test/model", """{"rates":{"input":"1","input":"2"}}""", "rates.input")]
    [InlineData("/v1/prices/test/model", """{"rates":{"input":"1"},"note":"\ud800"}""", "note")]
    [InlineData("/v1/prices/catalogue", """{"version":"a","models":{"\ud800":1}}""", "models")]
    [InlineData("/v1/prices/catalogue", """{"version":"\ud800"}""", "version")]
    [InlineData("/v1/prices/catalogue", """{"version":"a","version":"b"}""", "version")]
    public async Task Free_json_with_a_member_twice_or_half_a_character_names_it(string path, string body, string field) =>
        (await host.Put(path, body)).IsProblem(400, "invalid", field);

    [Theory]
    [InlineData("from=9999-12-30", "from")]
    [InlineData("from=2020-01-01&to=9999-12-31", "to")]
    [InlineData("from=9999-12-30T00:00:00Z", "from")]
    [InlineData("from=0001-01-02T00:00:00Z&to=0001-02-01T00:00:00Z&compare=previous", "from")]
    public async Task Times_at_the_ends_of_the_calendar_are_refused_by_name(string period, string field)
    {
        foreach (var granularity in new[] { "year", "quarter", "month", "week", "day" })
            (await host.Get($"/v1/reports?{period}&granularity={granularity}")).IsProblem(400, "invalid", field);
        (await host.Get("/v1/reports?from=1900-01-01&to=2900-01-01")).IsProblemOrAnswer();
    }

    [Theory]
    [InlineData("""{"tokens":1,"colour":"red"}""", "colour")]
    [InlineData("""{"Tokens":1}""", "Tokens")]
    [InlineData("""{"tokens":"1"}""", "tokens")]
    [InlineData("""{"tokens":true}""", "tokens")]
    [InlineData("""{"tokens":{}}""", "tokens")]
    [InlineData("""{"tokens":[1]}""", "tokens")]
    [InlineData("""{"tokens":1.5}""", "tokens")]
    [InlineData("""{"tokens":9223372036854775808}""", "tokens")]
    [InlineData("""{"tokens":-9223372036854775809}""", "tokens")]
    [InlineData("""{"tokens":1e400}""", "tokens")]
    [InlineData("""{"temperature":1e400}""", "temperature")]
    [InlineData("""{"model":5}""", "model")]
    [InlineData("""{"model":["gpt"]}""", "model")]
    [InlineData("""{"tags":{"a":1}}""", "tags.a")]
    [InlineData("""{"tags":{"a":null}}""", "tags.a")]
    [InlineData("""{"tags":[]}""", "tags")]
    [InlineData("""{"tags":{"a":"1","a":"2"}}""", "tags.a")]
    [InlineData("""{"tokens":1,"tokens":2}""", "tokens")]
    [InlineData("""{"cost":0.5}""", "cost")]
    [InlineData("""{"cost":"1e3"}""", "cost")]
    [InlineData("""{"cost":"1,5"}""", "cost")]
    [InlineData("""{"cost":""}""", "cost")]
    [InlineData("""{"cost":"1000000001"}""", "cost")]
    [InlineData("""{"user":"\ud800"}""", "user")]
    [InlineData("""{"user":"a\u0000b"}""", "user")]
    public async Task An_estimate_that_can_not_be_read_names_the_member(string body, string field) =>
        await Refused(account => $"/v1/accounts/{account}/reservations", Json(body), 400, "invalid", field);

    [Theory]
    [InlineData("""{"tokens":-1}""", "tokens")]
    [InlineData("""{"tokens":9223372036854775807}""", "tokens")]
    [InlineData("""{"tokens":1,"inputTokens":1}""", "tokens")]
    [InlineData("""{"tokens":1,"ttlSeconds":0}""", "ttlSeconds")]
    [InlineData("""{"tokens":1,"id":""}""", "id")]
    [InlineData("""{"tokens":1,"id":"a\nb"}""", "id")]
    [InlineData("""{"tokens":1,"cost":"-1"}""", "cost")]
    [InlineData("""{"tokens":1,"user":"a\u0007"}""", "user")]
    public async Task An_estimate_that_makes_no_sense_names_the_member(string body, string field) =>
        await Refused(account => $"/v1/accounts/{account}/reservations", Json(body), 400, "invalid", field, reachesBudget: true);

    [Theory]
    [InlineData("""{"inputTokens":1e3,"outputTokens":1.0001}""", "outputTokens")]
    [InlineData("""{"pages":1e400}""", "pages")]
    [InlineData("""{"pages":"1"}""", "pages")]
    [InlineData("""{"success":"true"}""", "success")]
    [InlineData("""{"timestamp":"yesterday"}""", "timestamp")]
    [InlineData("""{"timestamp":1700000000}""", "timestamp")]
    [InlineData("""{"timestamp":"2026-03-14T12:00:00"}""", "timestamp")]
    [InlineData("""{"timestamp":"2026-02-30T12:00:00Z"}""", "timestamp")]
    [InlineData("""{"tools":"search"}""", "tools")]
    [InlineData("""{"tools":[1]}""", "tools[0]")]
    [InlineData("""{"metadata":"text"}""", "metadata")]
    [InlineData("""{"metadata":{"a":"\udc00"}}""", "metadata")]
    [InlineData("""{"metadata":{"a":1,"a":2}}""", "metadata")]
    [InlineData("""{"metadata":{"a":"\u0000"}}""", "metadata")]
    [InlineData("""{"final":true}""", "final")]
    public async Task A_usage_that_can_not_be_read_names_the_member(string body, string field) =>
        await Refused(account => $"/v1/accounts/{account}/usage", Json(body), 400, "invalid", field);

    [Theory]
    [InlineData("""{"inputTokens":10,"cachedInputTokens":11}""", "inputTokens")]
    [InlineData("""{"durationMs":-1}""", "durationMs")]
    [InlineData("""{"timestamp":"1999-01-01T00:00:00Z"}""", "timestamp")]
    [InlineData("""{"timestamp":"9998-12-31T23:59:59Z"}""", "timestamp")]
    [InlineData("""{"webSearchContext":"huge"}""", "webSearchContext")]
    public async Task A_usage_that_makes_no_sense_names_the_member(string body, string field) =>
        await Refused(account => $"/v1/accounts/{account}/usage", Json(body), 400, "invalid", field, reachesBudget: true);

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("null")]
    [InlineData("5")]
    [InlineData("\"text\"")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{\"tokens\":1}}")]
    [InlineData("{\"tokens\":1,}")]
    [InlineData("{'tokens':1}")]
    [InlineData("{\"tokens\":01}")]
    [InlineData("{\"tokens\":NaN}")]
    [InlineData("{\"tokens\":1} // why")]
    [InlineData("tokens=1")]
    public async Task A_body_that_is_no_object_is_refused(string body) =>
        await Refused(account => $"/v1/accounts/{account}/reservations", Json(body), 400, "invalid", null);

    [Fact]
    public async Task Malformed_JSON_is_told_with_its_place()
    {
        var reply = await host.Post($"/v1/accounts/{host.NewAccount()}/check", "{\"tokens\":1,\n \"user\" 5}");
        Assert.Matches("^the body is not valid JSON: .*, at line 2, byte 9$", reply.Member("detail"));
    }

    [Fact]
    public async Task Bytes_that_are_not_UTF_8_a_byte_order_mark_and_deep_nesting_are_refused()
    {
        byte[][] bodies =
        [
            [.. "{\"user\":\""u8, 0xC3, 0x28, .. "\"}"u8], [.. "{\"user\":\""u8, 0xED, 0xA0, 0x80, .. "\"}"u8],
                [0xEF, 0xBB, 0xBF, .. "{\"tokens\":1}"u8],
            [0xFF, 0xFE, (byte)'{', 0, (byte)'}', 0], Encoding.UTF8.GetBytes("{\"tags\":" + new string('[', 100_000)),
            Encoding.UTF8.GetBytes($$"""{"x":{{new string('[', 1000)}}{{new string(']', 1000)}}}"""),
        ];
        foreach (var body in bodies)
        {
            var content = new ByteArrayContent(body);
            content.Headers.ContentType = new("application/json");
            var reply = await host.Send(HttpMethod.Post, $"/v1/accounts/{host.NewAccount()}/reservations", content);
            Assert.Equal((400, "urn:purser:problem:invalid"), (reply.Code, reply.Member("type")));
        }
        var deep = $$$"""{"metadata":{"a":{{{new string('[', 1000)}}}{{{new string(']', 1000)}}}}}""";
        (await host.Post($"/v1/accounts/{host.NewAccount()}/usage", deep)).IsProblem(400, "invalid");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("nonsense")]
    [InlineData("")]
    public async Task Another_content_type_is_refused(string type)
    {
        var content = new ByteArrayContent("{\"tokens\":1}"u8.ToArray());
        if (type.Length > 0) Assert.True(content.Headers.TryAddWithoutValidation("Content-Type", type));
        await Refused(account => $"/v1/accounts/{account}/reservations", content, 415, "unsupported-media-type", "Content-Type");
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("Application/JSON; charset=UTF-8")]
    [InlineData("application/vnd.purser+json")]
    public async Task JSON_under_its_other_names_is_read(string type)
    {
        var content = new ByteArrayContent("{\"tokens\":1}"u8.ToArray());
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        Assert.Equal(201, (await host.Send(HttpMethod.Post, $"/v1/accounts/{host.NewAccount()}/reservations", content)).Code);
    }

    [Fact]
    public async Task Compressed_bodies_are_refused()
    {
        var content = Json("{}");
        content.Headers.ContentEncoding.Add("gzip");
        await Refused(account => $"/v1/accounts/{account}/usage", content, 415, "unsupported-media-type", "Content-Encoding");
    }

    [Fact]
    public async Task A_body_of_ten_megabytes_is_refused_and_one_of_nearly_four_is_read()
    {
        static string Sized(int bytes) => $$"""{"tokens":1,{{new string(' ', bytes)}}"user":"a"}""";
        foreach (var (chunked, waits) in new[] { (false, false), (true, false), (false, true) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/accounts/{host.NewAccount()}/reservations") { Content = Json(
                Sized(10_000_000)) };
            request.Headers.TransferEncodingChunked = chunked;
            request.Headers.ExpectContinue = waits;
            using var response = await host.Client.SendAsync(request);
            (await Reply.Of(response)).IsProblem(413, "too-large");
        }
        (await host.Post($"/v1/accounts/{host.NewAccount()}/reservations/r/release", Sized(4_194_304))).IsProblem(413, "too-large");
        Assert.Equal(201, (await host.Post($"/v1/accounts/{host.NewAccount()}/reservations", Sized(4_000_000))).Code);
    }

    [Theory]
    [InlineData("a%20b")]
    [InlineData("a%01b")]
    [InlineData("a%0Ab")]
    [InlineData("a%2Fb")]
    [InlineData("a%252Fb")]
    [InlineData("a%25b")]
    [InlineData("...")]
    [InlineData("%C3%BC")]
    [InlineData("a*")]
    public async Task An_account_id_with_other_characters_is_refused(string account)
    {
        (await host.Get($"/v1/accounts/{account}/policy")).IsProblem(400, "invalid", "account");
        (await host.Post($"/v1/accounts/{account}/reservations", """{"tokens":1}""")).IsProblem(400, "invalid", "account");
    }

    [Fact]
    public async Task An_account_id_may_be_long_but_not_longer()
    {
        Assert.Equal(201, (await host.Post($"/v1/accounts/{new string('a', 200)}/reservations", """{"tokens":1}""")).Code);
        (await host.Post($"/v1/accounts/{new string('a', 201)}/reservations", """{"tokens":1}""")).IsProblem(400, "invalid", "account");
        Assert.Equal(201, (await host.Post("/v1/accounts/Org.1_a-b:c@d/reservations", """{"tokens":1}""")).Code);
    }

    [Fact]
    public async Task A_hold_that_does_not_exist_is_not_found()
    {
        var account = host.NewAccount();
        await host.Post($"/v1/accounts/{account}/usage", "{}");
        (await host.Post($"/v1/accounts/{account}/reservations/none/settle", """{"inputTokens":1}""")).IsProblem(404, "not-found", "reservationId");
        (await host.Post($"/v1/accounts/{account}/reservations/none/extend", """{"ttlSeconds":1}""")).IsProblem(404, "not-found", "reservationId");
        (await host.Get($"/v1/accounts/{account}/reservations/none")).IsProblem(404, "not-found", "reservationId");
        (await host.Get($"/v1/accounts/{account}/reservations/a%01")).IsProblem(400, "invalid", "id");
        (await host.Post($"/v1/accounts/{account}/reservations/none/settle", """{"outcome":"maybe"}""")).IsProblem(400, "invalid", "outcome");
        Assert.Equal(1, (await host.Get($"/v1/accounts/{account}/usage")).Json.GetProperty("items").GetArrayLength());
    }

    [Fact]
    public async Task A_long_wrong_name_is_not_repeated_whole()
    {
        var reply = await host.Post($"/v1/accounts/{host.NewAccount()}/check", $$"""{"{{new string('x', 100_000)}}":1}""");
        Assert.Equal(400, reply.Code);
        Assert.True(reply.Text.Length < 1000, reply.Text.Length.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
