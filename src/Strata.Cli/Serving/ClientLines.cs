namespace Strata.Cli;

/// <summary>Command lines by which S3 tools reach a server.</summary>
internal static class ClientLines
{
    /// <summary>Lines that sign, with the key that the environment variables of AWS hold.</summary>
    /// <param name="address">The server.</param>
    /// <param name="bucket">What to list; empty for the buckets.</param>
    public static IReadOnlyList<string> Signed(Uri address, string bucket)
    {
        string at = address.ToString().TrimEnd('/');
        return
        [
            $"aws --endpoint-url {at} s3 ls{(bucket == "" ? "" : $" s3://{bucket}")}",
            $"rclone lsf ':s3,provider=Other,env_auth=true,endpoint=\"{at}\":{bucket}'",
            $"s3cmd --host={address.Authority} --host-bucket={address.Authority}{Plain(address)} ls{(bucket == "" ? "" : $" s3://{bucket}")}",
            $"curl --aws-sigv4 aws:amz:us-east-1:s3 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" {at}/{bucket}",
        ];
    }

    /// <summary>Lines for a server that asks nobody for credentials.</summary>
    public static IReadOnlyList<string> Open(Uri address, string bucket)
    {
        string at = address.ToString().TrimEnd('/');
        return
        [
            $"curl -T FILE {at}/{bucket}/KEY",
            $"aws --no-sign-request --endpoint-url {at} s3 ls s3://{bucket}",
            $"s3cmd --access_key=any --secret_key=any --host={address.Authority} --host-bucket={address.Authority}{Plain(address)} ls s3://{bucket}",
        ];
    }

    private static string Plain(Uri address) => address.Scheme == Uri.UriSchemeHttps ? "" : " --no-ssl";
}
