using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Amazon.S3.Model;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Programs of others, as they come, against a server that asks for credentials.</summary>
public class SignedClientsTests : AccessTests
{
    [Fact]
    public async Task The_AWS_SDK_signs_chunks_and_trailers_by_default()
    {
        using AmazonS3Client client = Running.CreateClient(Admin.Id, Admin.Secret), wrong = Running.CreateClient(Admin.Id, "another secret"), unknown = Running.CreateClient("NOBODY00", Admin.Secret);
        byte[] bytes = RandomNumberGenerator.GetBytes(3_000_000);
        foreach (int length in (int[])[0, 1, 65_536, bytes.Length])
        {
            await client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "a/b c+d/é(1)'*!.bin", InputStream = new MemoryStream(bytes, 0, length) });
            using GetObjectResponse read = await client.GetObjectAsync("main", "a/b c+d/é(1)'*!.bin");
            using var copy = new MemoryStream();
            await read.ResponseStream.CopyToAsync(copy);
            Assert.Equal(bytes[..length], copy.ToArray());
        }

        await client.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "plain", InputStream = new MemoryStream(bytes), UseChunkEncoding = false });
        var put = new PutObjectRequest { BucketName = "main", Key = "with metadata", ContentBody = "x", ContentType = "text/plain; charset=utf-8" };
        put.Metadata["owner"] = "anna  of  two blanks";
        await client.PutObjectAsync(put);
        await client.CopyObjectAsync("main", "with metadata", "other", "copy é");
        Assert.Equal(3, (await client.ListObjectsV2Async(new ListObjectsV2Request { BucketName = "main", Prefix = "", Delimiter = "/ +" })).S3Objects.Count);
        await client.DeleteObjectsAsync(new DeleteObjectsRequest { BucketName = "main", Objects = [new KeyVersion { Key = "plain" }, new KeyVersion { Key = "with metadata" }] });
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("plain")));

        await FailsAsync("SignatureDoesNotMatch", () => wrong.PutObjectAsync(new PutObjectRequest { BucketName = "main", Key = "k", InputStream = new MemoryStream(bytes) }));
        await FailsAsync("InvalidAccessKeyId", () => unknown.ListBucketsAsync());
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("k")));
    }

    [Fact]
    public async Task The_AWS_SDKs_presigned_addresses_work()
    {
        using AmazonS3Client client = Running.CreateClient(Admin.Id, Admin.Secret);
        string put = await SignedAsync(HttpVerb.PUT), get = await SignedAsync(HttpVerb.GET);
        using HttpResponseMessage written = await Http.PutAsync(put, new ByteArrayContent("x"u8.ToArray()));
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        Assert.Equal("x", await Http.GetStringAsync(get));
        using HttpResponseMessage tampered = await Http.GetAsync(get.Replace("by%20address", "by%20addresS", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, tampered.StatusCode);

        Task<string> SignedAsync(HttpVerb verb) => client.GetPreSignedURLAsync(new GetPreSignedUrlRequest
        {
            BucketName = "main", Key = "signed by address +é", Verb = verb, Expires = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(5), Protocol = Protocol.HTTP,
        });
    }

    [Fact]
    public async Task Curl_signs_uploads_and_downloads()
    {
        string source = Path.Combine(Running.Folder, "source"), back = Path.Combine(Running.Folder, "back");
        await File.WriteAllBytesAsync(source, RandomNumberGenerator.GetBytes(200_000));
        string url = new Uri(Address, "main/dir/from-curl").ToString();
        const string NoDigest = "x-amz-content-sha256: UNSIGNED-PAYLOAD";
        Assert.Contains("HTTP/1.1 200", await CurlAsync(Admin.Secret, "-T", source, url, "-i", "-H", NoDigest, "-H", "x-amz-meta-who: curl"));
        await CurlAsync(Admin.Secret, url, "-o", back, "-H", NoDigest);
        Assert.Equal(await File.ReadAllBytesAsync(source), await File.ReadAllBytesAsync(back));
        Assert.Contains("from-curl", await CurlAsync(Admin.Secret, new Uri(Address, "main?list-type=2&prefix=dir").ToString(), "-H", NoDigest));
        Assert.Contains("SignatureDoesNotMatch", await CurlAsync("wrong and long", url, "-H", NoDigest));
        Assert.Contains("x-amz-content-sha256", await CurlAsync(Admin.Secret, url));
    }

    [Fact]
    public async Task S3cmd_signs_with_the_right_secret()
    {
        string source = Path.Combine(Running.Folder, "source"), back = Path.Combine(Running.Folder, "back");
        byte[] bytes = RandomNumberGenerator.GetBytes(100_000);
        await File.WriteAllBytesAsync(source, bytes);
        Assert.Equal(0, (await S3cmdAsync(Admin.Secret, "put", source, "s3://main/dir/a b+ü.bin", "--add-header=x-amz-meta-color:blue")).ExitCode);
        Assert.Equal(0, (await S3cmdAsync(Admin.Secret, "get", "s3://main/dir/a b+ü.bin", back)).ExitCode);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(back));
        Assert.Contains("a b+ü.bin", (await S3cmdAsync(Admin.Secret, "ls", "s3://main/dir/")).Output);
        Assert.Equal(0, (await S3cmdAsync(Admin.Secret, "cp", "s3://main/dir/a b+ü.bin", "s3://other/copy")).ExitCode);
        Assert.Equal(0, (await S3cmdAsync(Admin.Secret, "del", "-r", "-f", "s3://main/dir")).ExitCode);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("dir/a b+ü.bin")));
        CommandRun refused = await S3cmdAsync("wrong and long", "ls");
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("SignatureDoesNotMatch", refused.Error);
    }

    private async Task<CommandRun> S3cmdAsync(string secret, params string[] arguments)
    {
        string settings = Path.Combine(Running.Folder, "s3cfg");
        await File.WriteAllTextAsync(settings, "[default]\nuse_https = False\nguess_mime_type = False\n");
        return await CommandRun.OfAsync(
            "s3cmd", ["-c", settings, "--no-progress", "--no-ssl", $"--host={Address.Authority}", $"--host-bucket={Address.Authority}", $"--access_key={Admin.Id}", $"--secret_key={secret}", .. arguments]);
    }

    private static async Task<string> CurlAsync(string secret, params string[] arguments) =>
        (await CommandRun.OfAsync("curl", ["-sS", "--max-time", "30", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", $"{Admin.Id}:{secret}", .. arguments])).Successful;

    private static async Task FailsAsync(string code, Func<Task> call) => Assert.Equal(code, (await Assert.ThrowsAnyAsync<AmazonS3Exception>(call)).ErrorCode);
}
