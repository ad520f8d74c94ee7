using Xunit;

namespace Strata.Server.Tests;

/// <summary>rclone with its S3 backend, provider <c>Other</c>.</summary>
/// <remarks>A broken upload of one object it begins anew; what it resumes is the copy of a folder, by what is there already.</remarks>
public sealed class RcloneClientTests(ClientServer server) : IClassFixture<ClientServer>
{
    [Fact]
    public async Task A_small_object_goes_and_comes_back()
    {
        byte[] bytes = ClientServer.Bytes(1000, seed: 20);
        await RcloneAsync("copyto", await server.FileAsync(bytes), "s:main/sm all/ü+.bin");
        await server.AssertStoredAsync("sm all/ü+.bin", bytes);
        string back = Back();
        await RcloneAsync("copyto", "s:main/sm all/ü+.bin", back);
        await ClientServer.AssertFileAsync(bytes, back);
    }

    [Fact]
    public async Task A_large_object_goes_and_comes_back()
    {
        int since = server.Requests.Count;
        await RcloneAsync("copyto", server.LargeFile, "s:main/large", "--s3-upload-cutoff=1G");
        Assert.DoesNotContain(server.Requests.ChangesSince(since), r => r.IsPart);
        string back = Back();
        await RcloneAsync("copyto", "s:main/large", back);
        await ClientServer.AssertFileAsync(ClientServer.Large, back);
    }

    [Fact]
    public async Task A_large_object_goes_in_parts()
    {
        int since = server.Requests.Count;
        await RcloneAsync("copyto", server.LargeFile, "s:main/parts/large");
        Assert.Equal(5, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        await server.AssertStoredAsync("parts/large", ClientServer.Large);
        Assert.Equal(ClientServer.PartsETag(ClientServer.Large), (await server.Running.Store.StatAsync(BlobKey.Parse("parts/large")))!.ETag);

        // The MD5 of the whole, which the ETag is not, is metadata of rclone's.
        Assert.StartsWith(ClientServer.MD5Of(ClientServer.Large), await RcloneAsync("md5sum", "s:main/parts/large"));
        await RcloneAsync("check", Path.GetDirectoryName(server.LargeFile)!, "s:main/parts", "--include=/large");
    }

    [Fact]
    public async Task Content_of_unknown_length_goes_in_parts()
    {
        string command = $"cat '{server.LargeFile}' | rclone rcat s:main/unknown --streaming-upload-cutoff=5M";
        Assert.Equal("", (await CommandRun.OfAsync(server.Program("sh", ["-c", command], Remote()))).Successful);
        await server.AssertStoredAsync("unknown", ClientServer.Large);
    }

    [Fact]
    public async Task A_broken_copy_of_a_folder_is_resumed()
    {
        string tree = server.NewTree();
        string[] files = ClientServer.FilesIn(tree);
        await RcloneAsync("copy", tree, "s:main/resumed", "--include=/sub/**");
        int since = server.Requests.Count;
        await RcloneAsync("copy", tree, "s:main/resumed");
        Assert.DoesNotContain(server.Requests.ChangesSince(since), r => r.Path.Contains("/sub/", StringComparison.Ordinal));
        await RcloneAsync("check", tree, "s:main/resumed");
        Assert.Equal(files, Lines(await RcloneAsync("lsf", "-R", "--files-only", "s:main/resumed")));
    }

    [Fact]
    public async Task A_killed_upload_begins_anew_and_what_it_left_is_cleaned_up()
    {
        int since = server.Requests.Count;
        string[] slowly = ["copyto", server.LargeFile, "s:main/killed", "--bwlimit=10M", "--s3-upload-concurrency=1"];
        CommandRun killed = await CommandRun.OfAsync(server.Program("rclone", slowly, Remote()), server.PartsArrivedAsync(since, 2));
        Assert.NotEqual(0, killed.ExitCode);
        await server.AssertAbsentAsync("killed");
        await RcloneAsync("copyto", server.LargeFile, "s:main/killed");
        await server.AssertStoredAsync("killed", ClientServer.Large);

        Assert.Contains("\"killed\"", await RcloneAsync("backend", "list-multipart-uploads", "s:main"));
        await RcloneAsync("backend", "cleanup", "s:main", "-o", "max-age=1ms");
        Assert.DoesNotContain("\"killed\"", await RcloneAsync("backend", "list-multipart-uploads", "s:main"));
        await server.AssertStoredAsync("killed", ClientServer.Large);
    }

    [Fact]
    public async Task Ten_thousand_keys_are_listed() =>
        Assert.Equal(ClientServer.ManyKeys, Lines(await RcloneAsync("lsf", "-R", "--files-only", "s:many")));

    [Fact]
    public async Task Folders_are_listed_one_level_at_a_time() =>
        Assert.Equal(Enumerable.Range(0, 10).Select(i => $"dir {i}/"), Lines(await RcloneAsync("lsf", "s:many")));

    [Fact]
    public async Task An_object_is_copied()
    {
        byte[] bytes = ClientServer.Bytes(5000, seed: 21);
        await server.PutAsync("copy from/a+b", bytes);
        int since = server.Requests.Count;
        await RcloneAsync("copyto", "s:main/copy from/a+b", "s:main/copy-to");
        await RcloneAsync("copyto", "s:main/copy from/a+b", "s:other/copy-to");
        Assert.DoesNotContain(server.Requests.Since(since), r => r.Method == "GET" && r.Path.EndsWith("a+b", StringComparison.Ordinal)); // the server copies
        await server.AssertStoredAsync("copy-to", bytes);
        await server.AssertStoredAsync("copy-to", bytes, bucket: "other");
        await RcloneAsync("moveto", "s:main/copy-to", "s:main/moved-to");
        await server.AssertStoredAsync("moved-to", bytes);
        await server.AssertAbsentAsync("copy-to");
    }

    [Fact]
    public async Task A_large_object_is_copied_in_parts()
    {
        await server.PutAsync("large-from", ClientServer.Large);
        int since = server.Requests.Count;
        await RcloneAsync("copyto", "s:main/large-from", "s:main/large-to", "--s3-copy-cutoff=5M");
        Assert.Equal(5, server.Requests.ChangesSince(since).Count(r => r.IsPart));
        await server.AssertStoredAsync("large-to", ClientServer.Large);
    }

    [Fact]
    public async Task The_second_sync_of_a_folder_finds_nothing_to_do()
    {
        string tree = server.NewTree(), back = server.NewFolder();
        await RcloneAsync("sync", tree, "s:main/sync");
        await RcloneAsync("check", tree, "s:main/sync");
        int since = server.Requests.Count;
        await RcloneAsync("sync", tree, "s:main/sync");
        Assert.Empty(server.Requests.ChangesSince(since));

        await File.WriteAllTextAsync(Path.Combine(tree, "a.txt"), "changed");
        File.Delete(Path.Combine(tree, "empty"));
        await RcloneAsync("sync", tree, "s:main/sync");
        Assert.Equal(["DELETE /main/sync/empty", "PUT /main/sync/a.txt"], server.Requests.ChangesSince(since).Select(r => $"{r.Method} {r.Path}").Order());

        await RcloneAsync("sync", "s:main/sync", back);
        ClientServer.AssertSameTree(tree, back);
        since = server.Requests.Count;
        await RcloneAsync("sync", "s:main/sync", back);
        Assert.DoesNotContain(server.Requests.Since(since), r => r.Method == "GET" && r.Path.Length > "/main/".Length);
    }

    [Fact]
    public async Task Deleted_objects_are_gone()
    {
        foreach (string name in (string[])["one", "two/a", "two/b"]) await server.PutAsync($"gone/{name}", [1]);
        await RcloneAsync("deletefile", "s:main/gone/one");
        Assert.Equal(["two/a", "two/b"], Lines(await RcloneAsync("lsf", "-R", "--files-only", "s:main/gone")));
        await RcloneAsync("purge", "s:main/gone");
        Assert.Empty(Lines(await RcloneAsync("lsf", "-R", "s:main/gone")));
        await server.AssertAbsentAsync("gone/two/a");
    }

    [Fact]
    public async Task A_presigned_address_opens_one_object()
    {
        byte[] bytes = ClientServer.Bytes(3000, seed: 22);
        await server.PutAsync("pre signed+/é.bin", bytes);
        await server.AssertOpensOnlyAsync((await RcloneAsync("link", "--expire=5m", "s:main/pre signed+/é.bin")).Trim(), bytes);
    }

    [Fact]
    public async Task A_part_of_an_object_is_read()
    {
        await server.PutAsync("ranged", ClientServer.Large);
        string text = await RcloneAsync("cat", "--offset=5000000", "--count=10", "s:main/ranged");
        Assert.Equal(System.Text.Encoding.UTF8.GetString(ClientServer.Large.AsSpan(5_000_000, 10)), text);
    }

    [Fact]
    public async Task A_wrong_secret_is_refused()
    {
        string file = await server.FileAsync([1, 2, 3]);
        CommandRun copy = await RunAsync("copyto", file, "s:main/refused"), list = await RunAsync("lsf", "s:main");
        Assert.Equal((1, 1), (copy.ExitCode, list.ExitCode));
        Assert.Contains("Forbidden", copy.Error); // it asks by HEAD first, whose answer has no words
        Assert.Contains("SignatureDoesNotMatch", list.Error);
        await server.AssertAbsentAsync("refused");

        Task<CommandRun> RunAsync(params string[] arguments) => CommandRun.OfAsync(server.Program("rclone", arguments, Remote(ClientServer.WrongSecret)));
    }

    private string Back() => Path.Combine(server.NewFolder(), "back");

    private static string[] Lines(string output) => [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)];

    private async Task<string> RcloneAsync(params string[] arguments) => (await CommandRun.OfAsync(server.Program("rclone", arguments, Remote()))).Successful;

    /// <summary>The remote <c>s</c>, told by the environment: rclone reads no file then.</summary>
    private (string, string)[] Remote(string secret = ClientServer.Secret) =>
    [
        ("RCLONE_CONFIG", "/dev/null"), ("RCLONE_RETRIES", "1"),
        ("RCLONE_CONFIG_S_TYPE", "s3"), ("RCLONE_CONFIG_S_PROVIDER", "Other"), ("RCLONE_CONFIG_S_ENDPOINT", server.Address.ToString()), ("RCLONE_CONFIG_S_FORCE_PATH_STYLE", "true"),
        ("RCLONE_CONFIG_S_ACCESS_KEY_ID", ClientServer.KeyId), ("RCLONE_CONFIG_S_SECRET_ACCESS_KEY", secret), ("RCLONE_CONFIG_S_REGION", ClientServer.Region),
        ("RCLONE_CONFIG_S_UPLOAD_CUTOFF", "5Mi"), ("RCLONE_CONFIG_S_CHUNK_SIZE", "5Mi"),
    ];
}
