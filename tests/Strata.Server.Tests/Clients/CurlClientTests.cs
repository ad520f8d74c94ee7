using System.Globalization;
using System.Xml.Linq;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>curl, which signs by <c>--aws-sigv4</c>: S3's own requests by hand, as scripts make them.</summary>
/// <remarks>curl has no sync and makes no presigned addresses; an upload that broke off it cannot resume, a download it can.</remarks>
public sealed class CurlClientTests(ClientServer server) : IClassFixture<ClientServer>
{
    private static readonly XNamespace S3 = "http://s3.amazonaws.com/doc/2006-03-01/";

    [Fact]
    public async Task A_small_object_goes_and_comes_back()
    {
        byte[] bytes = ClientServer.Bytes(1000, seed: 10);
        string back = Back();
        Assert.Contains($"ETag: \"{ClientServer.MD5Of(bytes)}\"", await CurlAsync("main/small", "-i", "-T", await server.FileAsync(bytes), "-H", "x-amz-meta-who: curl", "-H", "Content-Type: text/x-curl"));
        await server.AssertStoredAsync("small", bytes);
        await CurlAsync("main/small", "-o", back);
        await ClientServer.AssertFileAsync(bytes, back);
        string head = await CurlAsync("main/small", "-I");
        Assert.Contains("Content-Length: 1000", head);
        Assert.Contains("Content-Type: text/x-curl", head);
        Assert.Contains("x-amz-meta-who: curl", head);
    }

    [Fact]
    public async Task A_large_object_goes_and_comes_back()
    {
        string back = Back();
        await CurlAsync("main/large", "-T", server.LargeFile);
        await server.AssertStoredAsync("large", ClientServer.Large);
        await CurlAsync("main/large", "-o", back);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Fact]
    public async Task A_large_object_goes_in_parts()
    {
        XElement created = XElement.Parse(await CurlAsync("main/parts?uploads=", "-X", "POST", "-d", ""));
        string upload = Uri.EscapeDataString(created.Element(S3 + "UploadId")!.Value);
        var complete = new XElement(S3 + "CompleteMultipartUpload");
        int number = 0;
        foreach (byte[] part in ClientServer.Large.Chunk(ClientServer.PartLength))
        {
            number++;
            string answer = await CurlAsync($"main/parts?partNumber={number}&uploadId={upload}", "-i", "-T", await server.FileAsync(part));
            Assert.Contains($"ETag: \"{ClientServer.MD5Of(part)}\"", answer);
            complete.Add(new XElement(S3 + "Part", new XElement(S3 + "PartNumber", number), new XElement(S3 + "ETag", ClientServer.MD5Of(part))));
        }

        Assert.Equal(number, XElement.Parse(await CurlAsync($"main/parts?uploadId={upload}")).Elements(S3 + "Part").Count());
        string completed = await CurlAsync($"main/parts?uploadId={upload}", "-X", "POST", "--data-binary", complete.ToString(), "-H", "Content-Type: application/xml");
        Assert.Contains(ClientServer.PartsETag(ClientServer.Large), completed);
        await server.AssertStoredAsync("parts", ClientServer.Large);
    }

    [Fact]
    public async Task A_broken_download_is_resumed()
    {
        await server.PutAsync("resumed", ClientServer.Large);
        string back = await server.FileAsync(ClientServer.Large[..9_999_999]);
        int since = server.Requests.Count;
        string headers = await CurlAsync("main/resumed", "-C", "-", "-o", back, "-D", "-");
        Assert.Contains("206 Partial Content", headers);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
        Assert.Single(server.Requests.Since(since));
    }

    [Fact]
    public async Task Ten_thousand_keys_are_listed()
    {
        var keys = new List<string>();
        string? token = null;
        do
        {
            // The query is signed in the order of its names, which this curl leaves to whoever writes it.
            string query = (token is null ? "" : $"continuation-token={Uri.EscapeDataString(token)}&") + "list-type=2";
            XElement page = XElement.Parse(await CurlAsync($"many?{query}"));
            keys.AddRange(page.Elements(S3 + "Contents").Select(c => c.Element(S3 + "Key")!.Value));
            token = page.Element(S3 + "NextContinuationToken")?.Value;
        }
        while (token is not null);
        Assert.Equal(ClientServer.ManyKeys, keys);
    }

    [Fact]
    public async Task An_object_is_copied()
    {
        byte[] bytes = ClientServer.Bytes(5000, seed: 11);
        await server.PutAsync("copy-from", bytes);
        Assert.Contains(ClientServer.MD5Of(bytes), await CurlAsync("main/copy-to", "-X", "PUT", "-H", "x-amz-copy-source: /main/copy-from"));
        await CurlAsync("other/copy-to", "-X", "PUT", "-H", "x-amz-copy-source: /main/copy-from");
        await server.AssertStoredAsync("copy-to", bytes);
        await server.AssertStoredAsync("copy-to", bytes, bucket: "other");
    }

    [Fact]
    public async Task Deleted_objects_are_gone()
    {
        await server.PutAsync("gone", ClientServer.Bytes(10, seed: 12));
        await CurlAsync("main/gone", "-X", "DELETE");
        await server.AssertAbsentAsync("gone");
        CommandRun read = await RunAsync(ClientServer.Secret, "main/gone");
        Assert.Equal(22, read.ExitCode);
        Assert.Contains("<Code>NoSuchKey</Code>", read.Output);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused()
    {
        CommandRun run = await RunAsync(ClientServer.WrongSecret, "main/refused", "-T", await server.FileAsync([1, 2, 3]));
        Assert.Equal(22, run.ExitCode);
        Assert.Contains("<Code>SignatureDoesNotMatch</Code>", run.Output);
        await server.AssertAbsentAsync("refused");
    }

    [Fact]
    public async Task Without_a_signature_it_is_refused()
    {
        await server.PutAsync("secret", [1, 2, 3]);
        CommandRun run = await CommandRun.OfAsync(server.Program("curl", ["-sS", "--fail-with-body", new Uri(server.Address, "main/secret").ToString()]));
        Assert.Equal(22, run.ExitCode);
        Assert.Contains("<Code>AccessDenied</Code>", run.Output);
    }

    private string Back() => Path.Combine(server.NewFolder(), "back");

    private async Task<string> CurlAsync(string path, params string[] arguments) => (await RunAsync(ClientServer.Secret, path, arguments)).Successful;

    private Task<CommandRun> RunAsync(string secret, string path, params string[] arguments) => CommandRun.OfAsync(server.Program(
        "curl",
        [
            "-sS", "--fail-with-body", "--max-time", 50.ToString(CultureInfo.InvariantCulture), "--aws-sigv4", $"aws:amz:{ClientServer.Region}:s3", "--user", $"{ClientServer.KeyId}:{secret}",
            "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", .. arguments, new Uri(server.Address, path).ToString(),
        ]));
}
