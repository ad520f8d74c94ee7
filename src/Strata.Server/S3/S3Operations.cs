using System.Collections.Frozen;
using Microsoft.AspNetCore.Http;

namespace Strata.Server;

/// <summary>All operations that are served. What is not in this table answers S3's own NotImplemented or MethodNotAllowed.</summary>
internal sealed class S3Operations
{
    /// <summary>Query parameters that name another resource than the object or bucket itself, those first that decide where several are there.</summary>
    private static readonly string[] SubResources =
    [
        "uploadId", "uploads", "delete", "location", "tagging", "attributes", "partNumber",
        "accelerate", "acl", "analytics", "cors", "encryption", "intelligent-tiering", "inventory", "legal-hold", "lifecycle", "logging",
        "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls", "policy", "policyStatus",
        "publicAccessBlock", "renameObject", "replication", "requestPayment", "restore", "retention", "select", "session", "torrent",
        "versioning", "versions", "website",
    ];

    private static readonly FrozenSet<string> Known = FrozenSet.ToFrozenSet(SubResources);

    /// <summary>By scope: so few each that a look at all of them is the shortest way.</summary>
    private readonly S3Operation[][] _operations;

    public S3Operations(S3BucketOperations buckets)
    {
        All =
        [
            new("ListBuckets", "GET", S3Scope.Root, S3Demands.Nothing, buckets.ListAsync),
            new("ListBuckets", "HEAD", S3Scope.Root, S3Demands.Nothing, buckets.ListAsync),

            new("ListObjects", "GET", S3Scope.Bucket, S3Demands.ListPrefix, S3List.HandleAsync),
            new("HeadBucket", "HEAD", S3Scope.Bucket, S3Demands.AnyInBucket, S3BucketOperations.HeadAsync),
            new("CreateBucket", "PUT", S3Scope.Bucket, S3Demands.AdminOfBucket, S3BucketOperations.CreateAsync),
            new("DeleteBucket", "DELETE", S3Scope.Bucket, S3Demands.AdminOfBucket, S3BucketOperations.DeleteAsync),
            new("GetBucketLocation", "GET", S3Scope.Bucket, S3Demands.AnyInBucket, S3BucketOperations.LocateAsync) { SubResource = "location" },
            new("ListObjectVersions", "GET", S3Scope.Bucket, S3Demands.ListPrefix, S3ListVersions.HandleAsync) { SubResource = "versions" },
            new("GetBucketAcl", "GET", S3Scope.Bucket, S3Demands.AnyInBucket, S3Acl.GetAsync) { SubResource = "acl" },
            new("PutBucketAcl", "PUT", S3Scope.Bucket, S3Demands.AdminOfBucket, S3Acl.PutAsync) { SubResource = "acl" },
            .. S3BucketConfiguration.Operations,
            new("ListMultipartUploads", "GET", S3Scope.Bucket, S3Demands.ListPrefix, S3ListUploads.HandleAsync) { SubResource = "uploads" },
            new("DeleteObjects", "POST", S3Scope.Bucket, S3Demands.AnyInBucket, S3DeleteObjects.HandleAsync) { SubResource = "delete" },

            new("GetObject", "GET", S3Scope.Object, S3Demands.Read, S3GetObject.HandleAsync),
            new("HeadObject", "HEAD", S3Scope.Object, S3Demands.Read, S3HeadObject.HandleAsync),
            new("GetObject", "GET", S3Scope.Object, S3Demands.Read, S3GetObject.HandleAsync) { SubResource = "partNumber" },
            new("HeadObject", "HEAD", S3Scope.Object, S3Demands.Read, S3HeadObject.HandleAsync) { SubResource = "partNumber" },
            new("GetObjectAttributes", "GET", S3Scope.Object, S3Demands.Read, S3GetObjectAttributes.HandleAsync) { SubResource = "attributes" },
            new("GetObjectTagging", "GET", S3Scope.Object, S3Demands.Read, S3Tagging.GetAsync) { SubResource = "tagging" },
            new("PutObjectTagging", "PUT", S3Scope.Object, S3Demands.Write, S3Tagging.PutAsync) { SubResource = "tagging" },
            new("DeleteObjectTagging", "DELETE", S3Scope.Object, S3Demands.Write, S3Tagging.DeleteAsync) { SubResource = "tagging" },
            new("GetObjectAcl", "GET", S3Scope.Object, S3Demands.Read, S3Acl.GetAsync) { SubResource = "acl" },
            new("PutObjectAcl", "PUT", S3Scope.Object, S3Demands.Write, S3Acl.PutAsync) { SubResource = "acl" },
            new("CreateMultipartUpload", "POST", S3Scope.Object, S3Demands.Write, S3Uploads.CreateAsync) { SubResource = "uploads" },
            new("UploadPartCopy", "PUT", S3Scope.Object, S3Demands.Write, S3UploadPart.CopyAsync) { SubResource = "uploadId", Header = S3CopySource.Header },
            new("UploadPart", "PUT", S3Scope.Object, S3Demands.Write, S3UploadPart.HandleAsync) { SubResource = "uploadId" },
            new("ListParts", "GET", S3Scope.Object, S3Demands.Write, S3Uploads.ListPartsAsync) { SubResource = "uploadId" },
            new("CompleteMultipartUpload", "POST", S3Scope.Object, S3Demands.Write, S3CompleteUpload.HandleAsync) { SubResource = "uploadId" },
            new("AbortMultipartUpload", "DELETE", S3Scope.Object, S3Demands.Write, S3Uploads.AbortAsync) { SubResource = "uploadId" },
            new("CopyObject", "PUT", S3Scope.Object, S3Demands.Write, S3CopyObject.HandleAsync) { Header = S3CopySource.Header },
            new("PutObject", "PUT", S3Scope.Object, S3Demands.Write, S3PutObject.HandleAsync),
            new("DeleteObject", "DELETE", S3Scope.Object, S3Demands.Delete, S3DeleteObject.HandleAsync),
        ];
        _operations = [.. Enum.GetValues<S3Scope>().Select(scope => All.Where(o => o.Scope == scope).ToArray())];
    }

    /// <summary>Every operation, for the tests that try each of them.</summary>
    public IReadOnlyList<S3Operation> All { get; }

    /// <summary>The operation that the request names.</summary>
    /// <exception cref="S3Exception">There is none: NotImplemented or MethodNotAllowed.</exception>
    public S3Operation Find(S3Request request)
    {
        S3Scope scope = request.Target switch { { Bucket: "", Key: "" } => S3Scope.Root, { Key: "" } => S3Scope.Bucket, _ => S3Scope.Object };
        string method = request.Request.Method;
        RefuseVersion(request.Query("versionId"));
        string? subResource = request.HasQuery ? SubResourceOf(request.Request.Query) : null;
        foreach (S3Operation operation in _operations[(int)scope])
        {
            if (operation.SubResource == subResource && operation.Method == method
                && (operation.Header is null || request.Request.Headers.ContainsKey(operation.Header)))
            {
                return operation;
            }
        }

        if (subResource is not null) throw S3Error.NotImplemented($"{method} of ?{subResource}").AsException();
        throw (method == "POST" && scope != S3Scope.Root ? S3Error.NotImplemented("Upload by HTML form") : S3Error.MethodNotAllowed).AsException();
    }

    /// <summary>An object has one version, and <c>null</c> is its name.</summary>
    private static void RefuseVersion(string? version)
    {
        if (version is "") throw S3Error.InvalidArgument("Version id cannot be the empty string.").AsException();
        if (version is not (null or S3ListVersions.TheVersion)) throw S3Error.NotImplemented("Another version than null").AsException();
    }

    private static string? SubResourceOf(IQueryCollection query)
    {
        string? found = null;
        foreach (string name in query.Keys)
        {
            if (Known.TryGetValue(name, out string? known) && (found is null || Array.IndexOf(SubResources, known) < Array.IndexOf(SubResources, found))) found = known;
        }

        return found;
    }
}
