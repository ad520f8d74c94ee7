using Xunit;

namespace Strata.Server.Tests;

/// <summary>Addresses that carry their signature: whoever has one may do what it says, and nothing else, and not for ever.</summary>
public class PresignedTests : AccessTests
{
    private static readonly BlobKey Key = BlobKey.Parse("k");

    [Fact]
    public async Task An_address_does_what_it_was_signed_for()
    {
        await ServedAsync(Presign("PUT", "/main/k", body: "x"));
        await ServedAsync(Presign("GET", "/main/k"));
        await ServedAsync(Presign("GET", "/main/k").With("x-amz-content-sha256", SignedMessage.UnsignedPayload).With("Range", "bytes=0-0"), 206);
        await ServedAsync(Presign("GET", "/main?prefix=a+b&list-type=2"));
        await ServedAsync(SignedMessage.Presigned(Admin, Address, "PUT", "/main/k", body: "x", headers: ("x-amz-meta-a", "1")));
        Assert.Equal("1", (await Running.Store.StatAsync(Key))!.Metadata["a"]);
    }

    [Fact]
    public async Task Headers_in_the_query_count_as_headers_but_for_checksums()
    {
        await ServedAsync(Presign("PUT", "/main/k?x-amz-meta-by=me&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32", body: "x"));
        Assert.Equal("me", (await Running.Store.StatAsync(Key))!.Metadata["by"]);
        await RefusedAsync(Presign("PUT", "/main/j?x-amz-acl=public-read", body: "x"), 501, "NotImplemented");
        await RefusedAsync(Presign("PUT", "/main/j?x-amz-meta-by=a%0Ab", body: "x"), 400, "InvalidArgument");
        await RefusedAsync(SignedMessage.Presigned(Admin, Address, "PUT", "/main/j?x-amz-meta-by=me", body: "x", headers: ("x-amz-meta-by", "you")), 400, "InvalidArgument");
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("j")));
    }

    [Fact]
    public async Task A_digest_in_the_query_holds_the_body_to_it()
    {
        const string DigestOfX = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
        await RefusedAsync(Presign("PUT", $"/main/k?X-Amz-Content-Sha256={DigestOfX}", body: "x"), 403, "SignatureDoesNotMatch");
        await RefusedAsync(Presign("PUT", "/main/k?X-Amz-Content-Sha256=STREAMING-AWS4-HMAC-SHA256-PAYLOAD", body: "x"), 400, "InvalidArgument");
        Assert.Null(await Running.Store.StatAsync(Key));
    }

    [Theory]
    [InlineData(-301, 300, "AccessDenied", 403)]
    [InlineData(-604_900, 604_800, "AccessDenied", 403)]
    [InlineData(1000, 300, "AccessDenied", 403)]
    [InlineData(0, 0, "AuthorizationQueryParametersError", 400)]
    [InlineData(0, -1, "AuthorizationQueryParametersError", 400)]
    [InlineData(0, 604_801, "AuthorizationQueryParametersError", 400)]
    public Task Not_before_not_after_and_not_for_ever(int seconds, int expires, string code, int status) =>
        RefusedAsync(SignedMessage.Presigned(Admin, Address, "GET", "/main", expires, TimeProvider.System.GetUtcNow().AddSeconds(seconds)), status, code);

    [Fact]
    public async Task A_date_at_the_end_of_all_dates_is_refused_like_any_other()
    {
        foreach (int year in (int[])[1, 9999])
            await RefusedAsync(SignedMessage.Presigned(Admin, Address, "GET", "/main", 604_800, new DateTimeOffset(year, year == 1 ? 1 : 12, year == 1 ? 1 : 31, 12, 0, 0, TimeSpan.Zero)), 403, "AccessDenied");
    }

    [Theory]
    [InlineData(-604_000, 604_800)]
    [InlineData(600, 1)]
    public Task Within_its_time_it_is_served(int seconds, int expires) =>
        ServedAsync(SignedMessage.Presigned(Admin, Address, "GET", "/main", expires, TimeProvider.System.GetUtcNow().AddSeconds(seconds)));

    private static readonly (string What, Action<SignedMessage> Change, int Status, string Code)[] Changes =
    [
        ("method", m => m.Method = "DELETE", 403, "SignatureDoesNotMatch"),
        ("path", m => m.Target = m.Target.Replace("/k", "/j", StringComparison.Ordinal), 403, "SignatureDoesNotMatch"),
        ("expiry", m => m.Target = m.Target.Replace("Expires=300", "Expires=3000", StringComparison.Ordinal), 403, "SignatureDoesNotMatch"),
        ("expiry twice", m => m.Target += "&X-Amz-Expires=3000", 400, "AuthorizationQueryParametersError"),
        ("expiry twice in another case", m => m.Target += "&x-amz-expires=3000", 400, "AuthorizationQueryParametersError"),
        ("a second signature", m => m.Target += "&X-Amz-Signature=" + m.Signature, 400, "AuthorizationQueryParametersError"),
        ("a second signature in another case", m => m.Target += "&x-amz-signature=" + m.Signature, 400, "AuthorizationQueryParametersError"),
        ("signature in another case", m => m.Target = m.Target.Replace("X-Amz-Signature", "x-amz-signature", StringComparison.Ordinal), 403, "SignatureDoesNotMatch"),
        ("algorithm", m => m.Target = m.Target.Replace("Algorithm=AWS4-HMAC-SHA256", "Algorithm=none", StringComparison.Ordinal), 400, "InvalidRequest"),
        ("no algorithm", m => m.Target = m.Target.Replace("X-Amz-Algorithm=AWS4-HMAC-SHA256&", "", StringComparison.Ordinal), 400, "AuthorizationQueryParametersError"),
        ("no signature", m => m.Target = m.Target[..m.Target.IndexOf("&X-Amz-Signature", StringComparison.Ordinal)], 400, "AuthorizationQueryParametersError"),
        ("service", m => m.Target = m.Target.Replace("%2Fs3%2F", "%2Fsqs%2F", StringComparison.Ordinal), 400, "AuthorizationQueryParametersError"),
        ("region", m => m.Target = m.Target.Replace("eu-central-1", "eu-central-2", StringComparison.Ordinal), 403, "SignatureDoesNotMatch"),
        ("one parameter more", m => m.Target += "&response-content-type=text/html", 403, "SignatureDoesNotMatch"),
        ("a header in the query", m => m.Target += "&x-amz-copy-source=%2Fother%2Fk", 403, "SignatureDoesNotMatch"),
        ("a session token", m => m.Target += "&X-Amz-Security-Token=t", 400, "InvalidToken"),
        ("a copy source", m => m.With("x-amz-copy-source", "/other/k"), 403, "AccessDenied"),
        ("metadata", m => m.With("x-amz-meta-a", "1"), 403, "AccessDenied"),
        ("a checksum", m => m.With("x-amz-checksum-crc32", "AAAAAA=="), 403, "AccessDenied"),
        ("another way to send", m => m.With("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), 403, "AccessDenied"),
        ("host", m => m.With("Host", "localhost"), 403, "SignatureDoesNotMatch"),
        ("an authorization as well", m => m.With("Authorization", "AWS4-HMAC-SHA256 Credential=a"), 400, "InvalidArgument"),
        ("V2", m => m.Target = "/main/k?AWSAccessKeyId=ADMIN000&Expires=2000000000&Signature=x", 400, "InvalidRequest"),
    ];

    [Fact]
    public async Task Whatever_is_changed_is_refused()
    {
        foreach ((string what, Action<SignedMessage> change, int status, string code) in Changes)
        {
            SignedMessage message = Presign("PUT", "/main/k", body: "x");
            change(message);
            await RefusedAsync(message, status, code);
            Assert.True(await Running.Store.StatAsync(Key) is null, $"After a change of {what} the object was written.");
        }
    }

    [Fact]
    public async Task An_address_without_its_host_signed_is_refused()
    {
        SignedMessage message = Presign("GET", "/main");
        message.Target = message.Target.Replace("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=accept", StringComparison.Ordinal);
        await RefusedAsync(message.With("Accept", "*/*"), 403, "AccessDenied");
    }

    [Fact]
    public async Task A_key_that_is_revoked_ends_its_addresses()
    {
        AccessKey passing = Admin with { Id = "PASSING1" };
        Ring.TryAdd(passing);
        SignedMessage message = SignedMessage.Presigned(passing, Address, "GET", "/main");
        await ServedAsync(message);
        Ring.Remove(passing.Id);
        await RefusedAsync(message, 403, "InvalidAccessKeyId");
    }

    private SignedMessage Presign(string method, string target, string body = "") => SignedMessage.Presigned(Admin, Address, method, target, body: body);
}
