using System.Diagnostics;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>s3cmd.</summary>
/// <remarks>
/// Its <c>signurl</c> knows signature version 2 only, which was withdrawn for S3 and is not implemented: there is no presigned
/// address that it could make, and the one that it makes is refused.
/// </remarks>
public sealed class S3cmdClientTests(ClientServer server) : IClassFixture<ClientServer>
{
    /// <summary>Half a second for a part: time enough to be killed before the last one.</summary>
    private const string Slowly = "--limit-rate=10m";

    [Fact]
    public async Task A_small_object_goes_and_comes_back()
    {
        byte[] bytes = ClientServer.Bytes(1000, seed: 40);
        string back = Back();
        await S3cmdAsync("put", await server.FileAsync(bytes), "s3://main/sm all/ü+.bin", "--add-header=x-amz-meta-color:blue", "--mime-type=application/x-test");
        await server.AssertStoredAsync("sm all/ü+.bin", bytes);
        await S3cmdAsync("get", "s3://main/sm all/ü+.bin", back);
        await ClientServer.AssertFileAsync(bytes, back);
        BlobInfo? info = await server.Running.Store.StatAsync(BlobKey.Parse("sm all/ü+.bin"));
        Assert.Equal("blue", info!.Metadata["color"]);
        Assert.Equal("application/x-test", info.ContentType);
    }

    [Fact]
    public async Task A_large_object_goes_and_comes_back()
    {
        await S3cmdAsync("put", server.LargeFile, "s3://main/large", "--disable-multipart");
        await server.AssertStoredAsync("large", ClientServer.Large);
        string back = Back();
        await S3cmdAsync("get", "s3://main/large", back);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Fact]
    public async Task A_large_object_goes_in_parts()
    {
        int since = server.Requests.Count;
        await S3cmdAsync("put", server.LargeFile, "s3://main/parts");
        Assert.Equal(5, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        await server.AssertStoredAsync("parts", ClientServer.Large);
        Assert.Equal(ClientServer.PartsETag(ClientServer.Large), (await server.Running.Store.StatAsync(BlobKey.Parse("parts")))!.ETag);

        // s3cmd keeps the MD5 of the whole, which the ETag is not, as metadata, and compares it with what it got.
        string back = Back();
        Assert.DoesNotContain("WARNING", (await RunAsync(ClientServer.Secret, ["get", "s3://main/parts", back])).Everything);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Fact]
    public async Task A_broken_upload_is_resumed()
    {
        int since = server.Requests.Count;
        CommandRun killed = await RunAsync(ClientServer.Secret, ["put", server.LargeFile, "s3://main/resumed", Slowly], server.PartsArrivedAsync(since, 2));
        Assert.NotEqual(0, killed.ExitCode);
        await server.AssertAbsentAsync("resumed");
        Assert.Contains("s3://main/resumed", await S3cmdAsync("multipart", "s3://main"));
        since = server.Requests.Count;
        await S3cmdAsync("put", server.LargeFile, "s3://main/resumed", "--continue-put");
        IReadOnlyList<LoggedRequest> changes = server.Requests.ChangesSince(since);
        Assert.DoesNotContain(changes, r => r.Query.EndsWith("uploads", StringComparison.Ordinal)); // it is the same upload
        Assert.InRange(changes.Count(r => r.IsPart), 1, 3);
        await server.AssertStoredAsync("resumed", ClientServer.Large);
    }

    [Fact]
    public async Task A_broken_download_is_resumed()
    {
        await server.PutAsync("download", ClientServer.Large);
        string back = await server.FileAsync(ClientServer.Large[..9_999_999]);
        int since = server.Requests.Count;
        await S3cmdAsync("get", "--continue", "s3://main/download", back);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
        Assert.Contains(server.Requests.Since(since), r => r is { Method: "GET", Status: 206 });
    }

    [Fact]
    public async Task An_aborted_upload_leaves_nothing()
    {
        int since = server.Requests.Count;
        await RunAsync(ClientServer.Secret, ["put", server.LargeFile, "s3://main/aborted", Slowly], server.PartsArrivedAsync(since, 1));
        string listed = Assert.Single(Lines(await S3cmdAsync("multipart", "s3://main")), l => l.Contains("s3://main/aborted", StringComparison.Ordinal));
        string upload = listed.Split('\t')[^1];
        Assert.Contains(ClientServer.MD5Of(ClientServer.Large.AsSpan(0, ClientServer.PartLength)), await S3cmdAsync("listmp", "s3://main/aborted", upload));
        await S3cmdAsync("abortmp", "s3://main/aborted", upload);
        Assert.DoesNotContain("s3://main/aborted", await S3cmdAsync("multipart", "s3://main"));
        await server.AssertAbsentAsync("aborted");
    }

    [Fact]
    public async Task Ten_thousand_keys_are_listed()
    {
        string[] keys = [.. Lines(await S3cmdAsync("ls", "-r", "s3://many")).Select(l => l[(l.IndexOf("s3://many/", StringComparison.Ordinal) + "s3://many/".Length)..])];
        Assert.Equal(ClientServer.ManyKeys, keys);
    }

    [Fact]
    public async Task Folders_and_buckets_are_listed()
    {
        Assert.Equal(10, Lines(await S3cmdAsync("ls", "s3://many")).Count(l => l.Contains(" DIR ", StringComparison.Ordinal)));
        Assert.Equal(["s3://main", "s3://many", "s3://other"], Lines(await S3cmdAsync("ls")).Select(l => l.Split(' ')[^1]));
        Assert.StartsWith("10000 ", (await S3cmdAsync("du", "s3://many")).Trim().Replace("  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_object_is_copied_and_moved()
    {
        byte[] bytes = ClientServer.Bytes(5000, seed: 41);
        await server.PutAsync("copy from/a+b", bytes);
        await S3cmdAsync("cp", "s3://main/copy from/a+b", "s3://main/copy-to");
        await S3cmdAsync("cp", "s3://main/copy from/a+b", "s3://other/copy-to");
        await server.AssertStoredAsync("copy-to", bytes);
        await server.AssertStoredAsync("copy-to", bytes, bucket: "other");
        await S3cmdAsync("mv", "s3://main/copy-to", "s3://main/moved-to");
        await server.AssertStoredAsync("moved-to", bytes);
        await server.AssertAbsentAsync("copy-to");
    }

    [Fact]
    public async Task A_large_object_is_copied_in_parts()
    {
        await server.PutAsync("large-from", ClientServer.Large);
        int since = server.Requests.Count;
        await S3cmdAsync("cp", "s3://main/large-from", "s3://main/large-to");
        Assert.Equal(5, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        await server.AssertStoredAsync("large-to", ClientServer.Large);
    }

    [Fact]
    public async Task The_second_sync_of_a_folder_finds_nothing_to_do()
    {
        string tree = server.NewTree(), back = server.NewFolder();
        await S3cmdAsync("sync", tree + "/", "s3://main/sync/");
        int since = server.Requests.Count;
        await S3cmdAsync("sync", tree + "/", "s3://main/sync/");
        Assert.Empty(server.Requests.ChangesSince(since));

        await File.WriteAllTextAsync(Path.Combine(tree, "a.txt"), "changed");
        File.Delete(Path.Combine(tree, "empty"));
        await S3cmdAsync("sync", "--delete-removed", tree + "/", "s3://main/sync/");
        Assert.Equal(["POST /main/", "PUT /main/sync/a.txt"], server.Requests.ChangesSince(since).Select(r => $"{r.Method} {r.Path}").Order());
        await server.AssertAbsentAsync("sync/empty");

        await S3cmdAsync("sync", "s3://main/sync/", back + "/");
        ClientServer.AssertSameTree(tree, back);
        since = server.Requests.Count;
        await S3cmdAsync("sync", "s3://main/sync/", back + "/");
        Assert.DoesNotContain(server.Requests.Since(since), r => r.Method == "GET" && r.Path.Length > "/main/".Length);
    }

    [Fact]
    public async Task Deleted_objects_are_gone()
    {
        foreach (string name in (string[])["one", "two/a b", "two/ü&<"]) await server.PutAsync($"gone/{name}", [1]);
        await S3cmdAsync("del", "s3://main/gone/one");
        await server.AssertAbsentAsync("gone/one");
        await S3cmdAsync("del", "-r", "-f", "s3://main/gone/");
        Assert.Empty(await S3cmdAsync("ls", "-r", "s3://main/gone/"));
        await server.AssertAbsentAsync("gone/two/ü&<");
    }

    [Fact]
    public async Task An_address_signed_by_version_2_is_refused()
    {
        await server.PutAsync("v2", [1]);
        string url = (await S3cmdAsync("signurl", "s3://main/v2", "+60")).Trim();
        Assert.Contains("Signature=", url);
        using HttpResponseMessage refused = await server.Http.GetAsync(url);
        Assert.Equal(System.Net.HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("AWS4-HMAC-SHA256", await refused.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Info_tells_what_is_known_of_an_object_and_a_bucket()
    {
        byte[] bytes = ClientServer.Bytes(1234, seed: 42);
        await server.PutAsync("info", bytes);
        string told = await S3cmdAsync("info", "s3://main/info");
        Assert.Contains("File size: 1234", told);
        Assert.Contains($"MD5 sum:   {ClientServer.MD5Of(bytes)}", told);
        Assert.Contains("Location:", await S3cmdAsync("info", "s3://main"));
    }

    [Fact]
    public async Task An_object_is_made_private_which_it_is()
    {
        await server.PutAsync("acl", [1]);
        await S3cmdAsync("setacl", "--acl-private", "s3://main/acl");
        await server.AssertStoredAsync("acl", [1]);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused()
    {
        CommandRun run = await RunAsync(ClientServer.WrongSecret, ["put", await server.FileAsync([1, 2, 3]), "s3://main/refused"]);
        Assert.Equal(77, run.ExitCode); // EX_ACCESSDENIED
        Assert.Contains("SignatureDoesNotMatch", run.Error);
        await server.AssertAbsentAsync("refused");
    }

    private string Back() => Path.Combine(server.NewFolder(), "back");

    private static string[] Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private async Task<string> S3cmdAsync(params string[] arguments) => (await RunAsync(ClientServer.Secret, arguments)).Successful;

    private async Task<CommandRun> RunAsync(string secret, string[] arguments, Task? killed = null)
    {
        string settings = Path.Combine(server.NewFolder(), "s3cfg");
        await File.WriteAllTextAsync(
            settings,
            $"""
             [default]
             access_key = {ClientServer.KeyId}
             secret_key = {secret}
             host_base = {server.Address.Authority}
             host_bucket = {server.Address.Authority}
             bucket_location = {ClientServer.Region}
             use_https = False
             multipart_chunk_size_mb = 5
             multipart_copy_chunk_size_mb = 5
             progress_meter = False
             guess_mime_type = False

             """);
        ProcessStartInfo start = server.Program("s3cmd", ["-c", settings, .. arguments]);
        return await CommandRun.OfAsync(start, killed);
    }
}
