# Take a Primary Server offline for maintenance without a failover (manual, "Taking a CT Server
# Offline for Maintenance").
param([string] $Verb, [string] $Name, [switch] $Yes, [int] $Wait = 600)
. "$PSScriptRoot/common.ps1"

if ($Verb -notin 'begin', 'end' -or -not $Name) {
    Write-Usage 'planned-maintenance.ps1 begin|end NAME [-Yes] [-Wait SECONDS]'
}
$Name = (Get-IpfxServer $Name).name

function Start-Maintenance {
    Write-Step "1. Is $Name well, and watched?"
    Assert-Monitor
    Assert-NoStandIn
    $shown = (Get-IpfxServer $Name).status
    if ($shown -notin 'OK', 'SUSPENDED') {
        Stop-Runbook 3 "$Name is $shown" 'ipfx-failover status'
    }

    Write-Step '2. No pings and no file sync from now on; the database goes on being replicated'
    Confirm-Step "While $Name is suspended it is not failed over. Suspend it?"
    Invoke-Ipfx suspend $Name
    $mode = (Get-IpfxServer $Name).mode
    if ($mode -ne 'suspended') {
        Stop-Runbook 1 "$Name is $mode" "planned-maintenance.ps1 begin $Name"
    }

    Write-Step ("Now do the maintenance. When $Name and its application run again: " +
        "planned-maintenance.ps1 end $Name")
}

function Complete-Maintenance {
    Write-Step "1. Is $Name back?"
    Assert-Monitor
    Invoke-Ipfx server test $Name

    Write-Step '2. Watch it again; files that changed meanwhile are copied at once'
    Confirm-Step "Resume ${Name}?"
    Invoke-Ipfx resume $Name
    Wait-Until "$Name is OK" 'ipfx-failover status' { Test-Ok $Name }

    Write-Step 'The maintenance is over.'
}

switch ($Verb) {
    'begin' { Start-Maintenance }
    'end' { Complete-Maintenance }
}
