using System.Xml.Linq;
using Xunit;

namespace Strata.Server.Tests;

/// <summary>Every operation with keys that lack its right, which must change nothing, and with keys that have it.</summary>
public class RightsTests : AccessTests
{
    private const AccessRights Any = AccessRights.Read | AccessRights.Write | AccessRights.List | AccessRights.Delete;

    /// <summary>Which one of these rights, alone, opens the operation. Admin always does.</summary>
    private static readonly Dictionary<string, AccessRights> Demanded = new()
    {
        ["ListBuckets"] = Any,
        ["ListObjects"] = AccessRights.List,
        ["HeadBucket"] = Any,
        ["CreateBucket"] = AccessRights.None,
        ["DeleteBucket"] = AccessRights.None,
        ["GetBucketLocation"] = Any,
        ["ListObjectVersions"] = AccessRights.List,
        ["GetBucketAcl"] = Any,
        ["PutBucketAcl"] = AccessRights.None,
        ["ListMultipartUploads"] = AccessRights.List,
        ["DeleteObjects"] = Any,
        ["GetObject"] = AccessRights.Read,
        ["HeadObject"] = AccessRights.Read,
        ["GetObjectAttributes"] = AccessRights.Read,
        ["GetObjectTagging"] = AccessRights.Read,
        ["PutObjectTagging"] = AccessRights.Write,
        ["DeleteObjectTagging"] = AccessRights.Write,
        ["GetObjectAcl"] = AccessRights.Read,
        ["PutObjectAcl"] = AccessRights.Write,
        ["CreateMultipartUpload"] = AccessRights.Write,
        ["UploadPart"] = AccessRights.Write,
        ["ListParts"] = AccessRights.Write,
        ["CompleteMultipartUpload"] = AccessRights.Write,
        ["AbortMultipartUpload"] = AccessRights.Write,

        // Of an upload that there is, it reads the source as well.
        ["UploadPartCopy"] = AccessRights.Write,

        // Reading the source as well.
        ["CopyObject"] = AccessRights.None,
        ["PutObject"] = AccessRights.Write,
        ["DeleteObject"] = AccessRights.Delete,
    };

    private int _keys;

    static RightsTests()
    {
        foreach (S3Operation operation in S3BucketConfiguration.Operations) Demanded.Add(operation.Name, Any);
    }

    public static IReadOnlyList<object> Operations { get; } = new S3Operations(new S3BucketOperations(DateTimeOffset.UnixEpoch)).All;

    [Fact]
    public async Task Each_operation_takes_its_right()
    {
        foreach (S3Operation operation in Operations.Cast<S3Operation>())
        {
            Assert.True(Demanded.TryGetValue(operation.Name, out AccessRights demanded), $"Say here which right {operation.Name} takes.");
            foreach (AccessRights right in (AccessRights[])[AccessRights.Read, AccessRights.Write, AccessRights.List, AccessRights.Delete, AccessRights.Admin])
                await TryAsync(operation, right == AccessRights.Admin || (demanded & right) != AccessRights.None, new AccessGrant(right, "main"));
            await TryAsync(operation, true, AccessGrant.Everything);
        }
    }

    [Fact]
    public async Task Rights_elsewhere_open_nothing_here()
    {
        foreach (S3Operation operation in Operations.Cast<S3Operation>())
        {
            bool isAnybodys = operation.Name == "ListBuckets";
            await TryAsync(operation, isAnybodys);
            await TryAsync(operation, isAnybodys, new AccessGrant(AccessRights.All, "other"));
            await TryAsync(operation, isAnybodys, new AccessGrant(AccessRights.All, "mai"), new AccessGrant(AccessRights.All, "main2"), new AccessGrant(AccessRights.All, "MAIN"));
            bool isOfBucket = operation.Scope != S3Scope.Object && Demanded[operation.Name] == Any;
            await TryAsync(operation, isOfBucket, new AccessGrant(AccessRights.All, "main", "theirs/"), new AccessGrant(AccessRights.All, "main", "mine/k2"));
            await TryAsync(operation, isOfBucket || operation.Scope == S3Scope.Object || operation.Demand == S3Demands.ListPrefix, new AccessGrant(AccessRights.All, "main", "mine/"));
        }
    }

    [Fact]
    public async Task A_copy_reads_its_source()
    {
        await PrepareAsync();
        AccessKey writer = KeyWith(new AccessGrant(AccessRights.Write, "main", "mine/"), new AccessGrant(AccessRights.Read, "other", "shown/"));
        await Running.Other.PutBytesAsync(BlobKey.Parse("hidden/k"), new byte[1]);
        await Running.Other.PutBytesAsync(BlobKey.Parse("shown/k"), new byte[1]);
        foreach (string source in (string[])["/other/hidden/k", "other/hidden/k", "/other%2Fhidden%2Fk", "/other/shown/../hidden/k", "/main/theirs/k", "/nowhere/k"])
            await RefusedAsync(Sign("PUT", "/main/mine/copy", key: writer, headers: ("x-amz-copy-source", source)), source.Contains("..", StringComparison.Ordinal) ? 400 : 403, source.Contains("..", StringComparison.Ordinal) ? "InvalidArgument" : "AccessDenied");
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("mine/copy")));
        await ServedAsync(Sign("PUT", "/main/mine/copy", key: writer, headers: ("x-amz-copy-source", "/other/shown/k")));
    }

    [Fact]
    public async Task A_part_that_is_copied_reads_its_source_and_an_upload_is_of_its_key()
    {
        await PrepareAsync();
        AccessKey writer = KeyWith(new AccessGrant(AccessRights.Write, "main", "mine/")), other = KeyWith(new AccessGrant(AccessRights.All, "main", "theirs/"));
        string begun = await Sign("POST", "/main/mine/big?uploads", key: writer).SendAsync(Address);
        string id = XElement.Parse(BodyOf(begun)).Elements().Single(e => e.Name.LocalName == "UploadId").Value;
        await RefusedAsync(Sign("PUT", $"/main/mine/big?partNumber=1&uploadId={id}", key: writer, headers: ("x-amz-copy-source", "/main/theirs/k")), 403, "AccessDenied");
        foreach ((string method, string query) in ((string, string)[])[("PUT", "partNumber=1&"), ("GET", ""), ("DELETE", "")])
        {
            await RefusedAsync(Sign(method, $"/main/mine/big?{query}uploadId={id}", key: other), 403, "AccessDenied");
            await RefusedAsync(Sign(method, $"/main/theirs/big?{query}uploadId={id}", key: other), 404, "NoSuchUpload");
        }

        await ServedAsync(Sign("PUT", $"/main/mine/big?partNumber=1&uploadId={id}", "x", key: writer));
    }

    [Fact]
    public async Task Of_many_keys_those_are_deleted_that_may_be()
    {
        await PrepareAsync();
        AccessKey deleter = KeyWith(new AccessGrant(AccessRights.Delete, "main", "mine/"));
        string answer = await Sign(
            "POST", "/main?delete", "<Delete><Object><Key>mine/k</Key></Object><Object><Key>theirs/k</Key></Object><Object><Key>mine/../theirs/k</Key></Object></Delete>", key: deleter).SendAsync(Address);
        Assert.Contains("<Deleted><Key>mine/k</Key></Deleted>", answer);
        Assert.Contains("<Error><Key>theirs/k</Key><Code>AccessDenied</Code>", answer);
        Assert.Null(await Running.Store.StatAsync(BlobKey.Parse("mine/k")));
        Assert.NotNull(await Running.Store.StatAsync(BlobKey.Parse("theirs/k")));
    }

    [Fact]
    public async Task Buckets_and_keys_that_one_has_no_right_in_are_not_shown()
    {
        await PrepareAsync();
        AccessKey lister = KeyWith(new AccessGrant(AccessRights.List, "main", "mine/"));
        XElement buckets = XElement.Parse(BodyOf(await Sign("GET", "/", key: lister).SendAsync(Address)));
        Assert.Equal("main", Assert.Single(buckets.Descendants(buckets.Name.Namespace + "Name")).Value);
        Assert.DoesNotContain("<Name>", await Sign("GET", "/", key: KeyWith()).SendAsync(Address));
        foreach (string query in (string[])["", "?prefix=", "?prefix=m", "?prefix=theirs/", "?list-type=2&prefix=mine", "?prefix=mine%2F..%2F", "?start-after=a"])
        {
            string answer = await Sign("GET", "/main" + query, key: lister).SendAsync(Address);
            Assert.DoesNotContain("theirs", answer);
        }

        foreach (string query in (string[])["?prefix=mine/", "?list-type=2&prefix=mine%2f", "?prefix=mine/k", "?prefix=mine/&delimiter=/"])
            Assert.Contains("<Key>mine/k</Key>", await Sign("GET", "/main" + query, key: lister).SendAsync(Address));
        Assert.DoesNotContain("theirs/k", await Sign("GET", "/main?prefix=mine/&prefix=theirs/", key: lister).SendAsync(Address));
    }

    [Fact]
    public async Task Whether_a_bucket_exists_is_told_to_nobody_without_a_right_in_it()
    {
        AccessKey key = KeyWith(new AccessGrant(AccessRights.All, "main", "mine/"));
        foreach (string target in (string[])["/other", "/nowhere", "/other/k", "/nowhere/k", "/main/theirs/k"]) await RefusedAsync(Sign("GET", target, key: key), 403, "AccessDenied");
    }

    private AccessKey KeyWith(params AccessGrant[] grants)
    {
        var key = new AccessKey { Id = $"KEY{_keys++:d5}", Secret = "the secret of a key", Grants = grants };
        Assert.True(Ring.TryAdd(key));
        return key;
    }

    private async Task TryAsync(S3Operation operation, bool isOpen, params AccessGrant[] grants)
    {
        await PrepareAsync();
        string[] before = await StateAsync();
        string place = operation.Scope switch { S3Scope.Root => "/", S3Scope.Bucket => "/main", _ => "/main/mine/k" };
        string[] query = [.. operation.SubResource is null ? (string[])[] : [operation.SubResource + "="], .. operation.Demand == S3Demands.ListPrefix && grants.Any(g => g.Prefix == "mine/") ? (string[])["prefix=mine/"] : []];
        if (query.Length > 0) place += "?" + string.Join('&', query);
        string body = operation.Name == "DeleteObjects" ? "<Delete><Object><Key>mine/none</Key></Object></Delete>" : operation.Name == "PutObject" ? "x" : "";
        SignedMessage message = Sign(operation.Method, place, body, key: KeyWith(grants),
            headers: operation.Header is null ? [] : [(operation.Header, "/main/mine/source")]);
        string answer = await message.SendAsync(Address);
        bool wasOpen = !answer.StartsWith("HTTP/1.1 403", StringComparison.Ordinal);
        Assert.True(isOpen == wasOpen, $"{operation.Name} with {string.Join(' ', grants.Select(g => g.ToString()))} was to be {(isOpen ? "open" : "refused")}, and gave: {answer}");
        if (isOpen) return;
        string[] after = await StateAsync();
        Assert.True(before.SequenceEqual(after), $"{operation.Name} was refused, and changed something.");
    }

    private async Task PrepareAsync()
    {
        foreach (string key in (string[])["mine/k", "mine/source", "theirs/k"]) await Running.Store.PutBytesAsync(BlobKey.Parse(key), new byte[1]);
    }

    private async Task<string[]> StateAsync() => [.. (await Running.Store.EnumerateAsync().ToListAsync()).Select(i => $"{i.Key.Value} {i.Version}")];

    private static string BodyOf(string answer) => answer[answer.IndexOf("<?xml", StringComparison.Ordinal)..];
}
