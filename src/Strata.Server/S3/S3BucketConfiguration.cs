namespace Strata.Server;

/// <summary>
/// What S3 answers of a bucket of which nothing of the kind is configured. Tools ask before they begin; none of it can be
/// set here.
/// </summary>
internal static class S3BucketConfiguration
{
    /// <summary>A sub-resource, S3's name of the operation that reads it, and either the error or the empty document.</summary>
    private sealed record Row(string SubResource, string Operation, S3Error? Error, string Document = "", (string Name, string Value)? Content = null);

    private static readonly Row[] Rows =
    [
        Missing("cors", "GetBucketCors", "NoSuchCORSConfiguration", "The CORS configuration does not exist."),
        Missing("encryption", "GetBucketEncryption", "ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found."),
        Missing("lifecycle", "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist."),
        Missing("object-lock", "GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket."),
        Missing("ownershipControls", "GetBucketOwnershipControls", "OwnershipControlsNotFoundError", "The bucket ownership controls were not found."),
        Missing("policy", "GetBucketPolicy", "NoSuchBucketPolicy", "The bucket policy does not exist."),
        Missing("policyStatus", "GetBucketPolicyStatus", "NoSuchBucketPolicy", "The bucket policy does not exist."),
        Missing("publicAccessBlock", "GetPublicAccessBlock", "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found."),
        Missing("replication", "GetBucketReplication", "ReplicationConfigurationNotFoundError", "The replication configuration was not found."),
        Missing("tagging", "GetBucketTagging", "NoSuchTagSet", "The TagSet does not exist."),
        Missing("website", "GetBucketWebsite", "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration."),
        new("accelerate", "GetBucketAccelerateConfiguration", null, "AccelerateConfiguration"),
        new("logging", "GetBucketLogging", null, "BucketLoggingStatus"),
        new("notification", "GetBucketNotificationConfiguration", null, "NotificationConfiguration"),
        new("requestPayment", "GetBucketRequestPayment", null, "RequestPaymentConfiguration", ("Payer", "BucketOwner")),
        new("versioning", "GetBucketVersioning", null, "VersioningConfiguration"),
    ];

    /// <summary>The operations that read them.</summary>
    public static IEnumerable<S3Operation> Operations => Rows.Select(row =>
        new S3Operation(row.Operation, "GET", S3Scope.Bucket, S3Demands.AnyInBucket, request => AnswerAsync(request, row)) { SubResource = row.SubResource });

    private static Row Missing(string subResource, string operation, string code, string message) => new(subResource, operation, new S3Error(404, code, message));

    private static async Task AnswerAsync(S3Request request, Row row)
    {
        _ = request.Store;
        if (row.Error is not null)
        {
            await request.FailAsync(row.Error);
            return;
        }

        using var xml = new S3Xml(row.Document);
        if (row.Content is { } content) xml.Element(content.Name, content.Value);
        await xml.SendAsync(request.Response);
    }
}
