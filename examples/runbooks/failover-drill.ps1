# A drill: the Primary Server is cut off, and the Failover Server takes over by itself.
param([string] $Name, [switch] $Yes, [int] $Wait = 600)
. "$PSScriptRoot/common.ps1"

if (-not $Name) { Write-Usage 'failover-drill.ps1 NAME [-Yes] [-Wait SECONDS]' }
$Name = (Get-IpfxServer $Name).name

function Test-StandIn {
    $status = Get-IpfxStatus
    $status.standing_in_for -eq $Name -and $status.stand_in_phase -eq 'standing in'
}

if (-not (Test-StandIn)) {
    Write-Step "1. Is $Name well, watched, and nobody stood in for?"
    Assert-Monitor
    Assert-NoStandIn
    if (-not (Test-Ok $Name)) { Stop-Runbook 3 "$Name is not OK" 'ipfx-failover status' }

    Write-Step '2. A copy of everything, so that nothing is lost'
    Confirm-Step "Tell the users, and stop the application on $Name. Is it stopped?"
    Invoke-Ipfx replicate-from-live $Name
    Invoke-Ipfx sync-files $Name

    Write-Step '3. Cut it off'
    Confirm-Step "Pull the network cable of $Name, or switch it off. Go on at once: it is waited for."
    Wait-Until "the Failover Server stands in for $Name" 'ipfx-failover log' { Test-StandIn }
}

Write-Step "The Failover Server stands in for $Name. Try the application; then: failback.ps1 $Name"
