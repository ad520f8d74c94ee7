namespace Strata;

/// <summary>A target that wants to know when the rows of an intent are gone, not only that it was sent: what it keeps for a crash before that.</summary>
internal interface IOutboxConfirmation
{
    /// <summary>An intent was sent, and its row is gone; a later change of the key may be pending.</summary>
    ValueTask ConfirmedAsync(string key);

    /// <summary>An intent is a dead letter now.</summary>
    void GivenUp(string key);
}
