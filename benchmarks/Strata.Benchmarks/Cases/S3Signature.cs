using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Strata.Server;

namespace Strata.Benchmarks;

/// <summary>What verifying one signature costs, without server and network.</summary>
internal sealed class S3Signature : BenchmarkCase
{
    private const string Host = "localhost:9000";
    private const string Target = "/main/folder-0001/object-000001";

    public override string Name => "s3-signature";

    public override string Summary => "verifying the Signature V4 of a GET in process, against the two hashes that no verifier can do without";

    public override Task RunAsync(Contest contest)
    {
        var key = new AccessKey { Id = "benchmark", Secret = "no secret: a key of this process", Grants = [AccessGrant.Everything] };
        var signatures = new SignatureV4(new AccessKeyRing(key), TimeProvider.System);
        HttpContext http = Signed(new V4Signer(key.Id, key.Secret));
        byte[] request = new byte[CanonicalLength], toSign = new byte[ToSignLength], signingKey = new byte[32], hash = new byte[32];

        Lane verify = contest.Add("verify", operations =>
        {
            long known = 0;
            for (int i = 0; i < operations; i++) known += signatures.Verify(http).Principal.Name == key.Id ? 1 : 0;
            Sink.Expect(known, operations);
        });
        Lane hashes = contest.Add("SHA-256, HMAC-SHA-256", operations =>
        {
            for (int i = 0; i < operations; i++)
            {
                SHA256.HashData(request, hash);
                HMACSHA256.HashData(signingKey, toSign, hash);
            }
        });
        return AddRowsAsync(contest, verify, hashes);
    }

    private static async Task AddRowsAsync(Contest contest, Lane verify, Lane hashes)
    {
        await contest.RunAsync();
        contest.Lower("verify, time", "ns", Series.Nanoseconds(verify), Series.Nanoseconds(hashes));
        contest.Lower("verify, allocated", "B", Series.AllocatedBytes(verify), Series.AllocatedBytes(hashes));
    }

    /// <summary>Bytes of the canonical request of such a GET: method, path, query, three headers, their names, the digest.</summary>
    private static int CanonicalLength => "GET\n\n\n".Length + Target.Length + $"host:{Host}\n".Length + "x-amz-content-sha256:\n".Length + "x-amz-date:20260101T000000Z\n".Length
        + "\nhost;x-amz-content-sha256;x-amz-date\n".Length + (2 * 64);

    /// <summary>Bytes of the string to sign: algorithm, time, scope, digest.</summary>
    private static int ToSignLength => "AWS4-HMAC-SHA256\n20260101T000000Z\n20260101/us-east-1/s3/aws4_request\n".Length + 64;

    private static DefaultHttpContext Signed(V4Signer signer)
    {
        var head = new StringBuilder();
        signer.AppendTo(head, "GET", Host, Target, []);
        var http = new DefaultHttpContext();
        http.Request.Method = "GET";
        http.Request.Headers.Host = Host;
        http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = Target;
        foreach (string line in head.ToString().Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            http.Request.Headers[line[..colon]] = line[(colon + 2)..];
        }

        return http;
    }
}
