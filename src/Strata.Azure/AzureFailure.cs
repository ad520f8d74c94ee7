namespace Strata.Azure;

/// <summary>An answer of the service that is none of success. Its text holds nothing of the request.</summary>
/// <param name="status">HTTP's.</param>
/// <param name="code">The service's (<c>x-ms-error-code</c>); empty if it gave none.</param>
/// <param name="retryAfter">The service's wish.</param>
internal sealed class AzureFailure(int status, string code, TimeSpan? retryAfter) : Exception($"Azure answered {status} {code}".TrimEnd() + ".")
{
    public int Status => status;

    public string Code => code;

    public TimeSpan? RetryAfter => retryAfter;

    public bool IsMissing => status == 404 && code is not "ContainerNotFound" and not "ContainerBeingDeleted" and not "ResourceTypeMismatch" and not "AccountNotFound";

    /// <summary>A condition did not hold. Other things are 412 or 409 too, such as a lease that somebody has.</summary>
    public bool IsRefused => (status is 412 or 304 && code is "ConditionNotMet" or "TargetConditionNotMet" or "") || (status == 409 && code is "BlobAlreadyExists" or "TargetBlobAlreadyExists");

    /// <summary>The source of a copy is not what was looked at.</summary>
    public bool IsSourceChanged => code is "SourceConditionNotMet" or "CannotVerifyCopySource" or "InvalidSourceBlobUrl" && status is 412 or 404 or 304;

    /// <summary>Blocks that were sent are no longer there.</summary>
    public bool IsBlockListInvalid => status == 400 && code is "InvalidBlockList";
}
