using System.Net;
using System.Text.Json;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>The AWS SDK for JavaScript, version 3, with its default settings (CRC-32 of everything); <c>node/client.cjs</c> drives it.</summary>
public sealed class JavaScriptClientTests(ClientServer server) : IClassFixture<ClientServer>
{
    [Fact]
    public async Task A_small_object_goes_and_comes_back()
    {
        byte[] bytes = ClientServer.Bytes(1000, seed: 30);
        JsonElement put = await NodeAsync("put", "main", "sm all/ü+.bin", await server.FileAsync(bytes));
        Assert.Equal($"\"{ClientServer.MD5Of(bytes)}\"", put.GetProperty("ETag").GetString());
        await server.AssertStoredAsync("sm all/ü+.bin", bytes);

        string back = Back();
        JsonElement got = await NodeAsync("get", "main", "sm all/ü+.bin", back);
        await ClientServer.AssertFileAsync(bytes, back);
        Assert.Equal("text/x-node", got.GetProperty("ContentType").GetString());
        Assert.Equal("node", got.GetProperty("Metadata").GetProperty("who").GetString());
    }

    [Fact]
    public async Task The_checksum_that_the_sdk_sends_is_kept_and_told()
    {
        JsonElement put = await NodeAsync("put", "main", "summed", await server.FileAsync(ClientServer.Bytes(1000, seed: 31)));
        JsonElement head = await NodeAsync("head", "main", "summed");
        Assert.Equal(put.GetProperty("ChecksumCRC32").GetString(), head.GetProperty("ChecksumCRC32").GetString());
        Assert.Equal("FULL_OBJECT", head.GetProperty("ChecksumType").GetString());
    }

    [Fact]
    public async Task A_large_object_goes_and_comes_back()
    {
        await NodeAsync("put", "main", "large", server.LargeFile);
        await server.AssertStoredAsync("large", ClientServer.Large);
        string back = Back();
        await NodeAsync("get", "main", "large", back);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Fact]
    public async Task A_large_object_goes_in_parts()
    {
        int since = server.Requests.Count;
        JsonElement uploaded = await NodeAsync("upload", "main", "parts", server.LargeFile);
        Assert.Equal(5, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        Assert.Equal($"\"{ClientServer.PartsETag(ClientServer.Large)}\"", uploaded.GetProperty("ETag").GetString());
        await server.AssertStoredAsync("parts", ClientServer.Large);
        string back = Back();
        await NodeAsync("get", "main", "parts", back);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Theory]
    [InlineData("CRC32C")]
    [InlineData("CRC64NVME")]
    [InlineData("SHA1")]
    [InlineData("SHA256")]
    public async Task Parts_are_summed_by_each_algorithm(string algorithm)
    {
        JsonElement uploaded = await NodeAsync("uploadSummed", "main", $"summed/{algorithm}", server.LargeFile, algorithm);
        JsonElement head = await NodeAsync("head", "main", $"summed/{algorithm}");
        Assert.Equal(uploaded.GetProperty($"Checksum{algorithm}").GetString(), head.GetProperty($"Checksum{algorithm}").GetString());
        await server.AssertStoredAsync($"summed/{algorithm}", ClientServer.Large);
    }

    [Fact]
    public async Task A_broken_upload_is_resumed()
    {
        int since = server.Requests.Count;
        CommandRun killed = await RunAsync(ClientServer.Secret, ["uploadHalf", "main", "resumed", server.LargeFile], server.PartsArrivedAsync(since, 2));
        Assert.NotEqual(0, killed.ExitCode);
        await server.AssertAbsentAsync("resumed");
        since = server.Requests.Count;
        JsonElement resumed = await NodeAsync("resume", "main", "resumed", server.LargeFile);
        Assert.Equal(2, resumed.GetProperty("kept").GetInt32());
        Assert.Equal(3, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        await server.AssertStoredAsync("resumed", ClientServer.Large);
    }

    [Fact]
    public async Task An_aborted_upload_leaves_nothing()
    {
        Assert.Equal(0, (await NodeAsync("abort", "main", "aborted", await server.FileAsync([1, 2, 3]))).GetArrayLength());
        await server.AssertAbsentAsync("aborted");
    }

    [Fact]
    public async Task Ten_thousand_keys_are_listed() =>
        Assert.Equal(ClientServer.ManyKeys, (await NodeAsync("list", "many", "")).EnumerateArray().Select(k => k.GetString()!));

    [Fact]
    public async Task An_object_is_copied()
    {
        byte[] bytes = ClientServer.Bytes(5000, seed: 32);
        await server.PutAsync("copy from/a+b", bytes);
        foreach (string bucket in (string[])["main", "other"])
        {
            JsonElement copied = await NodeAsync("copy", bucket, "copy-to", "main/copy%20from/a%2Bb");
            Assert.Equal($"\"{ClientServer.MD5Of(bytes)}\"", copied.GetProperty("CopyObjectResult").GetProperty("ETag").GetString());
            await server.AssertStoredAsync("copy-to", bytes, bucket);
        }
    }

    [Fact]
    public async Task The_second_sync_of_a_folder_finds_nothing_to_do()
    {
        string tree = server.NewTree();
        string[] names = ClientServer.FilesIn(tree);
        Assert.Equal(names.Length, (await NodeAsync("sync", "main", "sync/", tree)).GetInt32());
        Assert.Equal(names.Select(n => $"sync/{n}"), (await NodeAsync("list", "main", "sync/")).EnumerateArray().Select(k => k.GetString()!));
        int since = server.Requests.Count;
        Assert.Equal(0, (await NodeAsync("sync", "main", "sync/", tree)).GetInt32());
        Assert.Empty(server.Requests.ChangesSince(since));

        await File.WriteAllTextAsync(Path.Combine(tree, "a.txt"), "changed");
        Assert.Equal(1, (await NodeAsync("sync", "main", "sync/", tree)).GetInt32());
        Assert.Equal("/main/sync/a.txt", Assert.Single(server.Requests.ChangesSince(since)).Path);
    }

    [Fact]
    public async Task Deleted_objects_are_gone()
    {
        string[] keys = ["gone/one", "gone/two &<>\"'", "gone/dreißig"];
        foreach (string key in keys) await server.PutAsync(key, [1]);
        await NodeAsync("delete", "main", "gone/one");
        JsonElement many = await NodeAsync(["deleteMany", "main", .. keys]);
        Assert.Equal(keys, many.GetProperty("Deleted").EnumerateArray().Select(d => d.GetProperty("Key").GetString()));
        Assert.Equal(0, (await NodeAsync("list", "main", "gone/")).GetArrayLength());
    }

    [Fact]
    public async Task A_presigned_address_opens_one_object()
    {
        byte[] bytes = ClientServer.Bytes(3000, seed: 33);
        await server.PutAsync("pre signed+/é.bin", bytes);
        await server.AssertOpensOnlyAsync((await NodeAsync("presignGet", "main", "pre signed+/é.bin")).GetString()!, bytes);
    }

    [Fact]
    public async Task A_presigned_address_takes_an_upload_of_one_object()
    {
        string url = (await NodeAsync("presignPut", "main", "pre put+é")).GetString()!;
        byte[] bytes = ClientServer.Bytes(3000, seed: 34);
        using (HttpResponseMessage taken = await server.Http.PutAsync(url, new ByteArrayContent(bytes))) Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        await server.AssertStoredAsync("pre put+é", bytes);
        using HttpResponseMessage read = await server.Http.GetAsync(url);
        Assert.Equal(HttpStatusCode.Forbidden, read.StatusCode);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused()
    {
        CommandRun run = await RunAsync(ClientServer.WrongSecret, ["put", "main", "refused", await server.FileAsync([1, 2, 3])]);
        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith("SignatureDoesNotMatch: ", run.Error, StringComparison.Ordinal);
        await server.AssertAbsentAsync("refused");
    }

    private string Back() => Path.Combine(server.NewFolder(), "back");

    private async Task<JsonElement> NodeAsync(params string[] arguments) =>
        JsonSerializer.Deserialize<JsonElement>((await RunAsync(ClientServer.Secret, arguments)).Successful);

    private Task<CommandRun> RunAsync(string secret, string[] arguments, Task? killed = null) => CommandRun.OfAsync(
        server.Program(
            "node",
            [NodePackages.ProgramOf("client.cjs"), .. arguments],
            ("NODE_PATH", NodePackages.FolderWith("@aws-sdk")), ("NODE_NO_WARNINGS", "1"), ("STRATA_ENDPOINT", server.Address.ToString()), ("AWS_ACCESS_KEY_ID", ClientServer.KeyId), ("AWS_SECRET_ACCESS_KEY", secret)),
        killed);
}
