using Xunit;

namespace Strata.Server.Tests;

/// <summary>Requests that are not what was signed, against a server that asks for credentials: refused, and nothing done.</summary>
public class SignedRequestTests : AccessTests
{
    private static readonly BlobKey Key = BlobKey.Parse("k");

    [Fact]
    public async Task What_is_signed_rightly_is_served()
    {
        SignedMessage escaped = Sign("PUT", "/main/a%20b%2Bc/d/%C3%A9~", "x");
        escaped.Target = "/main/a%20b+c%2Fd/%c3%A9%7e";
        await ServedAsync(escaped);
        Assert.NotNull(await Running.Store.StatAsync(BlobKey.Parse("a b+c/d/é~")));
        await ServedAsync(Sign("GET", "/main/a%20b+c/d/%c3%a9%7E"));
        await ServedAsync(Sign("GET", "/main?list-type=2&prefix=a%20b&delimiter=%2F&max-keys=1000"));
        await ServedAsync(Sign("GET", "/main?prefix=a+b&encoding-type=url&max-keys=5&marker="));
        await ServedAsync(Sign("GET", "/", payload: SignedMessage.UnsignedPayload));
        await ServedAsync(SignedMessage.Of(Admin, Address, "GET", "/main", region: "anywhere-9"));
        await ServedAsync(SignedMessage.Of(Admin, Address, "GET", "/main", region: ""));
    }

    [Fact]
    public async Task Blanks_in_headers_and_several_values_are_signed_as_the_specification_says()
    {
        await ServedAsync(Sign("PUT", "/main/k", "x", headers: [("x-amz-meta-a", "one   two"), ("X-Amz-Meta-B", "1"), ("x-amz-meta-b", "2"), ("x-amz-meta-empty", "")]));
        BlobInfo? info = await Running.Store.StatAsync(Key);
        Assert.Equal("1,2", info!.Metadata["b"]);
    }

    [Fact]
    public async Task Who_signs_nothing_is_refused()
    {
        foreach ((string method, string target) in ((string, string)[])[("GET", "/"), ("HEAD", "/main"), ("GET", "/main/k"), ("PUT", "/main/k"), ("POST", "/main?delete"), ("DELETE", "/main/k")])
            await RefusedAsync(Sign(method, target).With("Authorization", null), 403, "AccessDenied");
        await RefusedAsync(Sign("GET", "/main").With("Authorization", null).With("Accept", "text/html"), 403, "AccessDenied");
    }

    private static readonly (string Authorization, string Code, int Status)[] Others =
    [
        ("", "InvalidArgument", 400),
        ("Bearer a-token", "InvalidArgument", 400),
        ("Basic YTpi", "InvalidArgument", 400),
        ("AWS ADMIN000:frJIUN8DYpKDtOLCwo//yllqDzg=", "InvalidRequest", 400),
        ("AWS4-ECDSA-P256-SHA256 Credential=ADMIN000/20130524/s3/aws4_request, SignedHeaders=host, Signature=00", "InvalidRequest", 400),
        ("AWS4-HMAC-SHA256", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/20130524/us-east-1/s3/aws4_request", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00, Signature=00", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000, SignedHeaders=host, Signature=00", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/1/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/20130524/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=00", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/20130524/us-east-1/s3/aws3_request, SignedHeaders=host, Signature=00", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/20130524/us-east-1/s3/aws4_request, SignedHeaders=Host, Signature=00", "AuthorizationHeaderMalformed", 400),
        ("AWS4-HMAC-SHA256 Credential=NOBODY00/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00", "InvalidAccessKeyId", 403),
        ("AWS4-HMAC-SHA256 Credential=ADMIN000/20130524/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00", "AuthorizationHeaderMalformed", 400),
    ];

    [Fact]
    public async Task Other_credentials_are_refused_in_the_words_of_S3()
    {
        foreach ((string authorization, string code, int status) in Others)
            await RefusedAsync(Sign("GET", "/main").With("Authorization", authorization), status, code);
    }

    [Fact]
    public async Task A_wrong_secret_an_unknown_key_and_a_revoked_one_are_refused()
    {
        await RefusedAsync(Sign("GET", "/main", key: Admin with { Secret = Admin.Secret + "x" }), 403, "SignatureDoesNotMatch");
        await RefusedAsync(Sign("GET", "/main", key: Admin with { Id = "admin000" }), 403, "InvalidAccessKeyId");
        AccessKey passing = Admin with { Id = "PASSING0" };
        Ring.TryAdd(passing);
        await ServedAsync(Sign("GET", "/main", key: passing));
        Ring.Remove(passing.Id);
        await RefusedAsync(Sign("GET", "/main", key: passing), 403, "InvalidAccessKeyId");
        Ring.TryAdd(passing with { Secret = "another secret" });
        await RefusedAsync(Sign("GET", "/main", key: passing), 403, "SignatureDoesNotMatch");
    }

    private static readonly (string What, Action<SignedMessage> Change, int Status, string Code)[] Changes =
    [
        ("method", m => m.Method = "DELETE", 403, "SignatureDoesNotMatch"),
        ("path", m => m.Target = "/main/k2?a=1", 403, "SignatureDoesNotMatch"),
        ("bucket", m => m.Target = "/other/k?a=1", 403, "SignatureDoesNotMatch"),
        ("parent", m => m.Target = "/main/../other/k?a=1", 403, "SignatureDoesNotMatch"),
        ("escaped parent", m => m.Target = "/main/%2e%2e/other/k?a=1", 403, "SignatureDoesNotMatch"),
        ("itself by a way around", m => m.Target = "/other/../main/k?a=1", 403, "SignatureDoesNotMatch"),
        ("this folder", m => m.Target = "/main/./k?a=1", 403, "SignatureDoesNotMatch"),
        ("two slashes", m => m.Target = "/main//k?a=1", 403, "SignatureDoesNotMatch"),
        ("two slashes first", m => m.Target = "//main/k?a=1", 403, "SignatureDoesNotMatch"),
        ("a slash behind", m => m.Target = "/main/k/?a=1", 403, "SignatureDoesNotMatch"),
        ("escaped twice", m => m.Target = "/main/%256B?a=1", 403, "SignatureDoesNotMatch"),
        ("an absolute address without a path, and the path in its query", m => m.Target = $"http://{m.Value("Host")}?x=/main/k?a=1", 400, "InvalidURI"),
        ("a malformed escape", m => m.Target = "/main/%6?a=1", 400, "InvalidURI"),
        ("no UTF-8", m => m.Target = "/main/k?a=%ff", 400, "InvalidURI"),
        ("a malformed escape in the query", m => m.Target = "/main/k?a=%zz", 400, "InvalidURI"),
        ("a fragment", m => m.Target = "/main/k#?a=1", 400, "InvalidURI"),
        ("query value", m => m.Target = "/main/k?a=2", 403, "SignatureDoesNotMatch"),
        ("query name", m => m.Target = "/main/k?A=1", 403, "SignatureDoesNotMatch"),
        ("query gone", m => m.Target = "/main/k", 403, "SignatureDoesNotMatch"),
        ("query more", m => m.Target = "/main/k?a=1&uploads", 403, "SignatureDoesNotMatch"),
        ("query twice", m => m.Target = "/main/k?a=1&a=1", 403, "SignatureDoesNotMatch"),
        ("a signature in the query as well", m => m.Target = "/main/k?a=1&X-Amz-Signature=00", 400, "InvalidArgument"),
        ("V2 in the query as well", m => m.Target = "/main/k?a=1&Signature=00", 400, "InvalidArgument"),
        ("body", m => m.Body = "X", 400, "XAmzContentSHA256Mismatch"),
        ("digest", m => m.With("x-amz-content-sha256", new string('0', 64)), 403, "SignatureDoesNotMatch"),
        ("no digest", m => m.With("x-amz-content-sha256", null), 400, "InvalidRequest"),
        ("nonsense for a digest", m => m.With("x-amz-content-sha256", "nonsense"), 400, "InvalidArgument"),
        ("unsigned payload", m => m.With("x-amz-content-sha256", SignedMessage.UnsignedPayload), 403, "SignatureDoesNotMatch"),
        ("metadata", m => m.With("x-amz-meta-a", "2"), 403, "SignatureDoesNotMatch"),
        ("metadata gone", m => m.With("x-amz-meta-a", null), 400, "MissingSecurityHeader"),
        ("metadata twice", m => m.Headers.Add(("x-amz-meta-a", "1")), 403, "SignatureDoesNotMatch"),
        ("metadata more", m => m.With("x-amz-meta-b", "1"), 403, "AccessDenied"),
        ("a copy source", m => m.With("x-amz-copy-source", "/main/other"), 403, "AccessDenied"),
        ("an ACL", m => m.With("X-AMZ-ACL", "public-read"), 403, "AccessDenied"),
        ("a checksum", m => m.With("x-amz-checksum-crc32", "AAAAAA=="), 403, "AccessDenied"),
        ("a session token", m => m.With("x-amz-security-token", "t"), 400, "InvalidToken"),
        ("content type", m => m.With("Content-Type", "text/html"), 403, "SignatureDoesNotMatch"),
        ("host", m => m.With("Host", "localhost"), 403, "SignatureDoesNotMatch"),
        ("date", m => m.With("x-amz-date", m.Value("x-amz-date")[..^3] + "61Z"), 403, "AccessDenied"),
        ("hour 24", m => m.With("x-amz-date", m.Value("x-amz-date")[..9] + "240000Z"), 403, "AccessDenied"),
        ("month 13", m => m.With("x-amz-date", m.Value("x-amz-date")[..4] + "1301T000000Z"), 403, "AccessDenied"),
        ("30 February", m => m.With("x-amz-date", m.Value("x-amz-date")[..4] + "0230T000000Z"), 403, "AccessDenied"),
        ("year 0", m => m.With("x-amz-date", "0000" + m.Value("x-amz-date")[4..]), 403, "AccessDenied"),
        ("letters in the time", m => m.With("x-amz-date", m.Value("x-amz-date")[..9] + "0a0000Z"), 403, "AccessDenied"),
        ("no T", m => m.With("x-amz-date", m.Value("x-amz-date").Replace('T', ' ')), 403, "AccessDenied"),
        ("another second", m => m.With("x-amz-date", m.Value("x-amz-date")[..^2] + (m.Value("x-amz-date")[^2] == '0' ? "1Z" : "0Z")), 403, "SignatureDoesNotMatch"),
        ("no date", m => m.With("x-amz-date", null), 403, "AccessDenied"),
        ("date in another header", m => m.With("x-amz-date", null).With("Date", "Fri, 24 May 2013 00:00:00 GMT"), 403, "AccessDenied"),
        ("region", m => Replace(m, "us-east-1", "us-east-2"), 403, "SignatureDoesNotMatch"),
        ("key", m => Replace(m, "ADMIN000", "WRITER00"), 403, "SignatureDoesNotMatch"),
        ("scope's day", m => Replace(m, m.Value("x-amz-date")[..8], "20200101"), 400, "AuthorizationHeaderMalformed"),
        ("signed headers less", m => Replace(m, ";x-amz-meta-a", ""), 403, "AccessDenied"),
        ("host not signed", m => Replace(m, "host;", ""), 403, "AccessDenied"),
        ("signed headers more", m => Replace(m, "host;", "host;origin;"), 400, "MissingSecurityHeader"),
        ("signature shorter", m => Replace(m, m.Signature, m.Signature[..^1]), 403, "SignatureDoesNotMatch"),
        ("signature longer", m => Replace(m, m.Signature, m.Signature + "0"), 403, "SignatureDoesNotMatch"),
        ("signature in capitals", m => Replace(m, m.Signature, m.Signature.ToUpperInvariant()), 403, "SignatureDoesNotMatch"),
        ("no signature", m => Replace(m, m.Signature, ""), 400, "AuthorizationHeaderMalformed"),
        ("two authorizations", m => m.Headers.Add(("Authorization", m.Value("Authorization"))), 400, "InvalidArgument"),
    ];

    [Fact]
    public async Task Whatever_is_changed_after_signing_is_refused()
    {
        foreach ((string what, Action<SignedMessage> change, int status, string code) in Changes)
        {
            SignedMessage message = Sign("PUT", "/main/k?a=1", "x", headers: [("x-amz-meta-a", "1"), ("Content-Type", "text/plain")]);
            change(message);
            await RefusedAsync(message, status, code);
            Assert.True(await Running.Store.StatAsync(Key) is null, $"After a change of {what} the object was written.");
        }
    }

    [Fact]
    public async Task What_means_the_same_on_the_wire_is_served()
    {
        SignedMessage message = Sign("GET", "/main?prefix=a%2Fb%20&delimiter=/");
        message.Target = "http://" + Address.Authority + "/%6dain?delimiter=%2f&&prefix=%61/b+";
        await ServedAsync(message);
    }

    [Theory]
    [InlineData("http:\\\\AUTHORITY?x=://y/main")]
    [InlineData("http:/\\AUTHORITY?x=://y/main")]
    [InlineData("http:\\\\AUTHORITY\\other?x=://y/main")]
    [InlineData("http://AUTHORITY\\other/main")]
    [InlineData("http://AUTHORITY@AUTHORITY/main?x=y")]
    public async Task A_signature_is_good_for_no_other_reading_of_the_target(string target)
    {
        SignedMessage message = Sign("GET", "/main");
        message.Target = target.Replace("AUTHORITY", Address.Authority, StringComparison.Ordinal);
        string answer = await message.SendAsync(Address);
        Assert.False(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), $"{message.Target} was served: {answer}");
    }

    [Theory]
    [InlineData(-14, 200, null)]
    [InlineData(14, 200, null)]
    [InlineData(-16, 403, "RequestTimeTooSkewed")]
    [InlineData(16, 403, "RequestTimeTooSkewed")]
    [InlineData(-1_000_000, 403, "RequestTimeTooSkewed")]
    public async Task Clocks_may_differ_by_a_quarter_of_an_hour(int minutes, int status, string? code)
    {
        SignedMessage message = SignedMessage.Of(Admin, Address, "GET", "/main", time: TimeProvider.System.GetUtcNow().AddMinutes(minutes));
        if (code is null) await ServedAsync(message, status);
        else await RefusedAsync(message, status, code);
    }

    [Fact]
    public async Task The_date_may_stand_in_the_Date_header_if_it_is_signed()
    {
        // Of the same day as the credential, whatever the hour.
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        SignedMessage message = Sign("GET", "/main", headers: ("date", $"{now.AddHours(now.Hour < 12 ? 3 : -3):r}"));
        await ServedAsync(message);
        Replace(message, ";x-amz-date", "");
        await RefusedAsync(message, 403, "AccessDenied");
        await RefusedAsync(message.With("x-amz-date", null), 403, "RequestTimeTooSkewed");
    }

    [Fact]
    public async Task An_xml_body_that_was_replaced_deletes_nothing()
    {
        await Running.Store.PutBytesAsync(Key, new byte[1]);
        SignedMessage message = Sign("POST", "/main?delete", "<Delete><Object><Key>j</Key></Object></Delete>");
        message.Body = message.Body.Replace('j', 'k');
        await RefusedAsync(message, 400, "XAmzContentSHA256Mismatch");
        Assert.NotNull(await Running.Store.StatAsync(Key));
        message.Body = message.Body.Replace("k", "j", StringComparison.Ordinal);
        await ServedAsync(message);
    }

    [Fact]
    public async Task A_large_body_that_was_replaced_is_not_written()
    {
        string body = new('a', 300_000);
        SignedMessage message = Sign("PUT", "/main/k", body);
        message.Body = body[..^1] + "b";
        await RefusedAsync(message, 400, "XAmzContentSHA256Mismatch");
        message.Body = "b" + body[1..];
        await RefusedAsync(message, 400, "XAmzContentSHA256Mismatch");
        Assert.Null(await Running.Store.StatAsync(Key));
        message.Body = body;
        await ServedAsync(message);
    }

    [Fact]
    public async Task A_foreign_host_is_fine_for_who_has_signed_it()
    {
        var elsewhere = new UriBuilder(Address) { Host = "strata.example", Port = 80 };
        SignedMessage message = SignedMessage.Of(Admin, elsewhere.Uri, "GET", "/main");
        await ServedAsync(message);
    }

    [Fact]
    public async Task Many_parameters_are_refused_and_not_sorted() =>
        await RefusedAsync(Sign("GET", "/main?" + string.Join('&', Enumerable.Range(0, 200).Select(i => $"p{i}=1"))), 400, "InvalidRequest");

    [Fact]
    public async Task Signing_with_no_digest_is_allowed_and_says_so()
    {
        SignedMessage message = Sign("PUT", "/main/k", "x", SignedMessage.UnsignedPayload);
        message.Body = "y";
        await ServedAsync(message);
        Assert.Equal("y"u8.ToArray(), await Running.Store.GetBytesAsync(Key));
    }

    private static void Replace(SignedMessage message, string old, string with) => message.With("Authorization", message.Value("Authorization").Replace(old, with, StringComparison.Ordinal));
}
